/** `tnull stats [NAME] [--watch]`: what the devices have done, or do each second. */

import type { StatsAnswer } from '../../client/made/answers.ts';
import { shown } from '../../config/errors.ts';
import { type ControlClient, devicePath, Refused } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { type Buckets, type Percentiles, percentilesSince } from '../percentiles.ts';
import { bytesText, type Cell, table, timeText } from '../table.ts';

/** The answer, with operations by any name. */
interface Stats extends Omit<StatsAnswer, 'operations'> {
  readonly operations: Readonly<Record<string, StatsAnswer['operations']['read']>>;
  /** State of --watch. */
  readonly buckets?: Readonly<Record<string, Buckets>>;
}

type AllStats = ReadonlyMap<string, Stats>;

const LATENCIES = ['P50', 'P99', 'MAX'];
const HEAD = ['OPERATION', 'REQUESTS', 'BYTES', ...LATENCIES];
const RATE_HEAD = ['DEVICE', 'OPERATION', 'PER SECOND', 'BYTES/S', ...LATENCIES];
/** As long as the longest operation. */
const LABEL = 'write-zeroes'.length;

/** @param watches whether the latencies of a second are wanted, too. */
async function look(
  client: ControlClient,
  name: string | undefined,
  watches: boolean,
): Promise<AllStats> {
  const all = name === undefined ? await namesOf(client) : [name];
  const stats = new Map<string, Stats>();
  for (const one of all) {
    try {
      const url = devicePath(one);
      const told = await client.json<Stats>('GET', `${url}/stats`);
      const buckets = watches
        ? { buckets: await client.json<Stats['buckets']>('GET', `${url}/latencies`) }
        : {};
      stats.set(one, { ...told, ...buckets } as Stats); // the call above, with what was asked for
    } catch (error) {
      // A device may be gone since the list was made.
      if (name !== undefined || !(error instanceof Refused && error.errno === 'ENOENT'))
        throw error;
    }
  }
  return stats;
}

async function namesOf(client: ControlClient): Promise<readonly string[]> {
  const { devices } = await client.json<{ devices: readonly string[] }>('GET', '/v1');
  return devices;
}

/** Zone management names sectors, and moves none. */
function movedText(kind: string, bytes: number): string {
  return kind === 'zone' || kind === 'flush' ? '' : bytesText(bytes);
}

function latencies({ p50, p99, max }: Percentiles): string[] {
  return [p50, p99, max].map(timeText);
}

/** A device from its power on until now. */
function block(name: string, stats: Stats): string {
  const rows = Object.entries(stats.operations)
    .filter(([, { requests }]) => requests > 0)
    .map(([kind, one]) => [
      kind.padEnd(LABEL),
      one.requests,
      movedText(kind, Number(one.bytes)),
      ...latencies(one.latencyNs),
    ]);
  const lines = rows.length > 0 ? table(HEAD, rows) : 'no requests\n';
  const state = states(stats).map(([label, text]) => `${label.padEnd(LABEL)}  ${text}\n`);
  const indented = `${lines}${state.join('')}`.replace(/^(?=.)/gm, '  ');
  return `${shown(name)}${isOn(stats) ? '' : ' (power 0)'}\n${indented}`;
}

/** A device without hardware queues is off. */
function isOn({ tags }: Stats): boolean {
  return tags.queues > 0;
}

/** What is not an operation, each with its label. */
function states(stats: Stats): [label: string, text: string][] {
  const { memory, cache, zones, tags, badBlockRanges } = stats;
  const all: [string, string][] = [];
  const errors = errorsText(stats);
  if (errors !== '') all.push(['errors', errors]);
  all.push(['memory', `${bytesText(memory.heldBytes)} held, ${bytesText(memory.idleBytes)} idle`]);
  if (cache !== null) {
    all.push(['cache', `${bytesText(cache.usedBytes)} of ${bytesText(cache.sizeBytes)} used`]);
  }
  if (zones !== null) {
    all.push(['zones', `${zones.open} open, ${zones.active} active, of ${zones.count}`]);
  }
  if (isOn(stats)) {
    const queues = tags.queues === 1 ? '1 queue' : `${tags.queues} queues`;
    all.push(['tags', `${tags.inUse} in use; ${queues} of ${tags.depth}`]);
  }
  if (badBlockRanges > 0) {
    all.push(['bad blocks', badBlockRanges === 1 ? '1 range' : `${badBlockRanges} ranges`]);
  }
  for (const { rule, action, matched, struck } of stats.faults) {
    all.push(['fault', `${shown(rule)} (${action}): ${struck} struck of ${matched} matched`]);
  }
  return all;
}

/** Errnos are what clients saw; causes, in lower case, say why some of them did. */
function errorsText({ errors }: Stats): string {
  const some = Object.entries(errors).filter(([, count]) => count > 0);
  const text = (isCause: boolean): string =>
    some
      .filter(([name]) => /^[a-z]/.test(name) === isCause)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const causes = text(true);
  return `${text(false)}${causes === '' ? '' : ` (${causes})`}`.trim();
}

/** What was done since `before`. A counter that is lower began again: power was off in between. */
function rates(now: AllStats, before: AllStats): string {
  const since = (count: number, then = 0): number => (count < then ? count : count - then);
  const rows: Cell[][] = [];
  for (const [device, stats] of now) {
    const old = before.get(device);
    for (const [kind, one] of Object.entries(stats.operations)) {
      const then = old?.operations[kind];
      const count = since(one.requests, then?.requests);
      if (count === 0) continue;
      const size = movedText(kind, since(Number(one.bytes), Number(then?.bytes ?? 0)));
      const [here, there] = [stats.buckets?.[kind] ?? [], old?.buckets?.[kind] ?? []];
      const times = percentilesSince(here, there, one.latencyNs.max);
      rows.push([device, kind, count, size, ...latencies(times)]);
    }
    for (const [name, all] of Object.entries(stats.errors)) {
      const count = since(all, old?.errors[name]);
      if (count > 0) rows.push([device, `error: ${name}`, count, '', '', '', '']);
    }
  }
  return rows.length > 0 ? table(RATE_HEAD, rows) : 'no requests\n';
}

export const stats: ControlCommand = {
  operands: '[NAME]',
  summary: 'show counters and latencies; --watch: each second',
  more:
    'Counters and latencies are since power on; those of --watch are of each second. Errors are errnos, and\n' +
    'in brackets how many of them are due to bad blocks and zones.\n',
  least: 0,
  most: 1,
  flags: [['--watch', 'what was done in each second, until it is stopped']],
  async run({ client, operands: [name], flags, json, say, nextLook }) {
    const watches = flags['watch'] === true && !json;
    let now = await look(client, name, watches);
    const tell = (text: () => string): void =>
      say(json ? jsonLine(Object.fromEntries(now)) : text());
    tell(() => (now.size > 0 ? [...now].map((one) => block(...one)).join('\n') : 'no devices\n'));
    while (flags['watch'] === true && (await nextLook())) {
      const before = now;
      now = await look(client, name, watches);
      tell(() => `\n${rates(now, before)}`);
    }
  },
};
