/** What each call does: from checked input to an answer. Knows neither fastify nor HTTP's bytes.
 *  Source: control.md section 3. */

import { featuresText, isAttributeName, isPath } from '../config/attributes.ts';
import { ErrnoError, shown } from '../config/errors.ts';
import type { ZoneOperation } from '../driver/zone-requests.ts';
import { EXACT_MAX } from '../units.ts';
import type { CallName } from './calls.ts';
import type { DaemonFacts } from './daemon-metrics.ts';
import { deviceAnswerOf, devicesPieces, rangesAnswer } from './device-json.ts';
import type { DeviceView } from './directory.ts';
import type { Clients } from './events/clients.ts';
import type { Events } from './events/events.ts';
import { eventHandlers } from './events/handlers.ts';
import { faultHandlers } from './faults/handlers.ts';
import { type Handler, type Input, octets } from './input.ts';
import { journalHandlers } from './journal/handlers.ts';
import { logHandlers } from './log/handlers.ts';
import { deviceMap } from './map.ts';
import { metricsPieces } from './metrics.ts';
import { openApi } from './openapi.ts';
import { inSlices, listPieces } from './slices.ts';
import { createClone } from './snapshots/clone.ts';
import { createFrom } from './snapshots/data.ts';
import { snapshotHandlers } from './snapshots/handlers.ts';
import type { Tree } from './tree.ts';
import { zoneReport } from './zone-report.ts';

export interface ExportUse {
  readonly device: string;
  /** One for each listener. */
  readonly uris: readonly string[];
  /** Whether clients may share the export over several connections (CAN_MULTI_CONN). */
  readonly multiConn: boolean;
  readonly clients: number;
}

export interface Facts extends DaemonFacts {
  readonly tree: Tree;
  readonly events: Events;
  readonly clients: Clients;
  /** The URIs of the NBD listeners. */
  readonly listening: () => readonly string[];
  /** Where clients find the powered devices, and how many are there. */
  readonly exports: () => Iterable<ExportUse>;
  /** Makes every device anew, as it was at start. */
  readonly reset: () => Promise<void>;
  readonly page: PageAccess;
}

/** The ways to the page. */
export interface PageAccess {
  /** Its URL, with a token for one use where one is asked for. Starts HTTP if there is none. */
  readonly open: () => Promise<string>;
  /** A token for a page that is open. */
  readonly session: () => string;
}

const rangeOperations = ['open', 'close', 'finish', 'reset'] as const;

function rangeOperation(name: string | undefined): ZoneOperation {
  const operation = rangeOperations.find((one) => one === name);
  if (operation !== undefined) return operation;
  throw new ErrnoError('ENOENT', `there is no operation '${shown(name ?? '')}' on zones`);
}

/** Every value as the text that configfs would take. */
function texts(body: unknown): Map<string, string> {
  const entries = Object.entries(body ?? {});
  return new Map(entries.map(([name, value]) => [name, asText(name, value)]));
}

function asText(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' && Math.abs(value) > EXACT_MAX) {
    const rule = 'a JSON number above 2^53 is rounded: write it as a text';
    throw new ErrnoError('EINVAL', `${shown(name)}: ${rule}`, name);
  }
  return String(value);
}

function utf8(body: unknown): string {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(0);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** null_blk's file takes one range per write. JSON carries all at once, one per line. */
function oneRange(device: string, text: string): void {
  if (!text.trim().includes('\n')) return;
  const why = `${shown(device)}: badblocks takes one range in a write`;
  throw new ErrnoError('EINVAL', why, 'badblocks');
}

function forced({ query }: Input): boolean {
  return query['force'] === 1;
}

function attributeOf({ params }: Input): string {
  const { attribute, group, setting } = params;
  return attribute ?? `${group}/${setting}`;
}

function* exportPieces(
  tree: Tree,
  all: Iterable<ExportUse>,
): Generator<readonly (ExportUse & { readonly inFlight: number })[]> {
  for (const one of all) yield [{ ...one, inFlight: tree.inFlight(one.device) }];
}

function rootAnswer({ tree, memory, version, listening }: Facts): object {
  return {
    name: 'tnull',
    version,
    features: featuresText.trimEnd(),
    devices: tree.names(),
    listen: listening(),
    memory: {
      limitBytes: Number.isFinite(memory.limitBytes) ? memory.limitBytes : null,
      usedBytes: memory.usedBytes,
    },
  };
}

const NO_FILES = 'no call over TCP opens a file here';

/** Makes a device: an empty one, a clone, or one with the content of a file. */
function createAny(tree: Tree, name: string, input: Input): Promise<DeviceView> {
  const { body, isLocal } = input;
  const wanted = checked(texts(body), input);
  const [clone, image] = [wanted.get('clone'), wanted.get('image')];
  for (const one of ['clone', 'image']) wanted.delete(one);
  if (clone !== undefined && image !== undefined) {
    throw new ErrnoError(
      'EINVAL',
      `image=${shown(image)}: not with clone=${shown(clone)}`,
      'image',
    );
  }
  if (clone !== undefined) return createClone(tree, clone, name, wanted);
  if (image === undefined) return tree.create(name, wanted);
  if (isLocal === true) return createFrom(tree, image, name, wanted);
  const rule = `${NO_FILES}; PUT its content to /data`;
  throw new ErrnoError('EPERM', `image=${shown(image)}: ${rule}`, 'image');
}

/** What a call writes. @throws ErrnoError EPERM where it names a file, and may not. */
function checked(texts: Map<string, string>, { isLocal }: Input): Map<string, string> {
  if (isLocal === true) return texts;
  for (const [name, text] of texts) {
    if (!isAttributeName(name) || !isPath(name) || text.trim() === '') continue;
    throw new ErrnoError('EPERM', `${name}=${shown(text)}: ${NO_FILES}`, name);
  }
  return texts;
}

async function openPage(page: PageAccess, { isLocal }: Input): Promise<object> {
  if (isLocal === true) return { url: await page.open() };
  throw new ErrnoError('EPERM', 'page: only a call by the control socket gets a way to the page');
}

export function makeHandlers(facts: Facts): Record<CallName, Handler> {
  const { tree, version, exports } = facts;
  const device = ({ params }: Input): string => params['name'] ?? '';
  const { slicer } = tree;
  const getText: Handler = (input) => {
    const name = attributeOf(input);
    if (name === 'badblocks') return rangesAnswer(slicer, tree.badBlocks(device(input)));
    return tree.text(device(input), name);
  };
  const setText: Handler = async (input) => {
    const [name, text] = [attributeOf(input), utf8(input.body)];
    if (name === 'badblocks') oneRange(device(input), text);
    await tree.patch(device(input), checked(new Map([[name, text]]), input), forced(input));
  };
  return {
    root: () => rootAnswer(facts),
    reset: () => facts.reset(),
    health: () => ({ status: 'ok' }),
    openapi: () => openApi(version),
    exports: () => inSlices(slicer, listPieces(exportPieces(tree, exports()))),
    devices: () => inSlices(slicer, devicesPieces(tree.views())),
    create: async (input) => deviceAnswerOf(slicer, await createAny(tree, device(input), input)),
    device: (input) => deviceAnswerOf(slicer, tree.view(device(input))),
    patch: async (input) => {
      return deviceAnswerOf(
        slicer,
        await tree.patch(device(input), checked(texts(input.body), input), forced(input)),
      );
    },
    remove: (input) => tree.remove(device(input), forced(input)),
    getAttribute: getText,
    setAttribute: setText,
    getFaultNumber: getText,
    setFaultNumber: setText,
    zones: (input) => {
      const { from = 0, count = Number.MAX_SAFE_INTEGER } = input.query;
      return inSlices(slicer, zoneReport(tree.zones(device(input)), from, count));
    },
    zoneOperation: (input) => {
      const operation = rangeOperation(input.params['operation']);
      const { sector = 0, sectors } = input.query;
      return tree.zoneOperation(device(input), operation, sector, sectors);
    },
    resetAll: (input) => tree.zoneOperation(device(input), 'reset-all', 0, undefined),
    append: async (input) => {
      const { sector = 0 } = input.query;
      return { sector: await tree.append(device(input), sector, ...octets(input.body)) };
    },
    flush: (input) => tree.flush(device(input)),
    stats: (input) => tree.stats(device(input)),
    latencies: (input) => tree.latencies(device(input)),
    map: (input) => deviceMap(tree, input),
    requests: (input) => inSlices(slicer, listPieces(tree.requestPieces(device(input)))),
    ...eventHandlers(tree, facts.events, facts.clients),
    ...faultHandlers(tree),
    ...logHandlers(tree),
    ...journalHandlers(tree),
    ...snapshotHandlers(tree),
    openPage: (input) => openPage(facts.page, input),
    pageSession: () => ({ token: facts.page.session() }),
    metrics: () => {
      return inSlices(slicer, metricsPieces({ ...facts, allCounts: () => tree.allCounts() }));
    },
  };
}
