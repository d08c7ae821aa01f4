/** Joins the other rooms: time, memory, devices, exports and the server; ready, drain, stop. Knows nothing
 *  about flags and signals. */

import { availableParallelism } from 'node:os';
import { formatNbdUri, type ReplyForm, type TlsMode } from 'nbd-server-protocol-ts';
import type { Logger } from 'pino';
import type { DaemonFacts } from '../control/daemon-metrics.ts';
import { ruleNotices } from '../control/faults/notices.ts';
import type { RuleStats } from '../driver/device-stats.ts';
import type { NullDevice } from '../driver/null-device.ts';
import {
  alignments,
  type ExportRules,
  type FlushOffer,
  flushOffers,
} from '../export/nbd-export.ts';
import type { DataMemory } from '../pages/memory.ts';
import type { LogEntry } from '../rules/fault-log.ts';
import type { Plan } from '../rules/plan.ts';
import { type ClientLimits, withDefaults } from '../server/client-limits.ts';
import { FaultCounts } from '../server/fault-counts.ts';
import type { ListenAddress } from '../server/listener.ts';
import { SocketStream } from '../server/receive.ts';
import { serverTls, type TlsFiles } from '../server/tls-credentials.ts';
import { Traffic } from '../server/traffic.ts';
import { collectGarbage } from '../threads/collect.ts';
import type { PoolOptions, ThreadPool } from '../threads/pool.ts';
import { systemClock, systemScheduler } from '../time/clock.ts';
import type { Pacing } from '../time/pacing.ts';
import { type Nanoseconds, nanoseconds } from '../units.ts';
import { type Control, type ControlOptions, httpUrl, startControl } from './control.ts';
import { limitsFor, makeDataMemory } from './data-memory.ts';
import { type DataPath, type DataPathOptions, makeDataPath } from './data-path.ts';
import type { ExportFacts } from './exports.ts';
import { openFaultLog } from './fault-log-file.ts';
import { type JournalFiles, journalFiles } from './journal-files.ts';
import { returningSlabs } from './memory-return.ts';
import {
  type ConfiguredDevice,
  FreshStart,
  type ImageStart,
  makeConfigured,
  makeNumbered,
  type Reconfigured,
} from './start-devices.ts';
import { startPool } from './start-threads.ts';
import { makeTiming } from './timing.ts';
import { version } from './version.ts';
import { type OpenWays, openWays, type WaysIn } from './ways-in.ts';
import { ZeroReader } from './zero-reader.ts';

export type { InheritedSocket } from '../server/inherited.ts';
export type { ListenAddress } from '../server/listener.ts';
export type { ExportFacts } from './exports.ts';
export type { ConfiguredDevice, ImageStart, Reconfigured } from './start-devices.ts';
export { alignments, type ExportRules, type FlushOffer, flushOffers };

/** How long the end waits for the disks that have the journals. */
const JOURNALS_END_MS = 5000;

export interface DaemonOptions extends WaysIn, DataPathOptions {
  readonly log: Logger;
  /** Undefined: no control API. */
  readonly control?: ControlOptions;
  /** The first rules of the numbered devices. */
  readonly faults?: Plan | undefined;
  /** What they hold. Undefined: nothing. */
  readonly begins?: ImageStart | undefined;
  /** The file that gets everything that rules do. */
  readonly faultLog?: string | undefined;
  /** The devices of a configuration, beside the numbered ones. */
  readonly configured?: readonly ConfiguredDevice[];
  readonly limits?: Partial<ClientLimits>;
  /** Undefined: there is no TLS. */
  readonly tls?: {
    /** For all ways in; an address may require more. */
    readonly mode: TlsMode;
    readonly files: TlsFiles;
  };
  /** Bytes for all data together. 0: no limit. Undefined: what the machine can give. */
  readonly memoryLimit?: number | undefined;
  /** The highest form of the protocol that is offered; an address may set another. @default extended */
  readonly protocol?: ReplyForm;
  /** Threads for sockets; 1: there are none, and this thread has them. */
  readonly threads?: number;
}

export interface Daemon {
  /** The addresses, with their real ports. */
  readonly listening: readonly ListenAddress[];
  /** The addresses of sockets that we opened ourselves. */
  readonly opened: readonly ListenAddress[];
  /** The present exports. */
  readonly exports: readonly ExportFacts[];
  /** The control socket. */
  readonly control: string | undefined;
  /** The URL of the control API over TCP. */
  readonly http: string | undefined;
  /** Done when the client on standard input and output has gone; undefined: there is none. */
  readonly clientGone: Promise<void> | undefined;
  /** Done when no client is there any more, once one has used an export. */
  lastClientLeft(): Promise<void>;
  /** Done when all threads for sockets have died; undefined: there are none. */
  readonly failed: Promise<void> | undefined;
  /** Makes and removes devices as one configuration turns into the next.
   *  @throws ConfigError, ErrnoError; nothing is changed then. */
  reconfigure(
    before: readonly ConfiguredDevice[],
    after: readonly ConfiguredDevice[],
  ): Promise<Reconfigured>;
  /** What clients of a device have done since power on, as a file of docs/journal.md. @throws ErrnoError. */
  journal(device: string): Iterable<Uint8Array>;
  /** Switches a device on or off. @throws ErrnoError. */
  setPower(device: string, on: boolean): Promise<void>;
  /** What the rules of all devices did, in their order. */
  ruleCounts(): readonly RuleCount[];
  /** What the rules of a device did lately, in order. */
  ruleEntries(device: string): Iterable<LogEntry>;
  /** What the devices have in flight, which `stop` would wait for, for humans. Empty: nothing. */
  inFlight(): string;
  /** Waits for what is in flight, at most 5 s; then closes every socket. May be called again. */
  stop(): Promise<void>;
  /** Closes everything at once. */
  stopNow(): void;
}

export interface RuleCount extends RuleStats {
  readonly device: string;
}

/** Powers the devices on and listens.
 *  @throws ListenError when an address cannot be had, ErrnoError when a device cannot be built, TlsError when
 *  a file for TLS is wrong, ConfigError when a device of a configuration is impossible. Then nothing is left
 *  behind. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { log, parameters } = options;
  let notices = false;
  const faultLog =
    options.faultLog === undefined
      ? undefined
      : openFaultLog(options.faultLog, (line) => log.warn(line));
  const path = await startDataPath({ ...options, made: faultLog?.watch }, (line) => {
    if (notices) log.warn(line);
  });
  const { exports, server, tree, pool, memory } = path;
  const { nr_devices: count } = parameters.options;
  const numbered = { count, faults: options.faults, begins: options.begins };
  const fresh = new FreshStart(tree, numbered, options.configured ?? []);
  let ways: OpenWays;
  let control: Control | undefined;
  const stopNow = (): void => {
    endNow(path);
    control?.closeNow();
  };
  try {
    await makeNumbered(tree, numbered);
    notices = true; // notices of the start were written when its parameters were read
    for (const notice of ruleNotices(options.faults?.rules ?? [])) tree.notice(notice);
    await makeConfigured(tree, options.configured ?? []);
    ways = await openWays(options, server, log);
    if (options.control !== undefined) {
      const uris = (): string[] => ways.listening.map((way) => addressUri(way, ''));
      control = await startControl(options.control, {
        ...{ tree, memory, log, version: version(), events: path.events, clients: path.clients },
        listening: uris,
        exports: () => exports.uses((name) => ways.listening.map((way) => addressUri(way, name))),
        ...path.counted,
        reset: () => fresh.run(),
      });
    }
  } catch (error) {
    stopNow();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    ...ways,
    get exports() {
      return exports.facts();
    },
    control: control?.path,
    http: control?.http && httpUrl(control.http),
    lastClientLeft: () => server.lastClientLeft(),
    failed: pool?.failed,
    ruleEntries: (device) => tree.device(device).rules.logAfter(0),
    inFlight: () => path.devices.inFlight(),
    ruleCounts: () => Array.from(tree.ruleStats(), ([device, one]) => ({ device, ...one })),
    journal: (device) => tree.journal(device).file(),
    async setPower(device, on) {
      await tree.patch(device, new Map([['power', on ? '1' : '0']]));
    },
    reconfigure: (before, after) => fresh.reconfigure(before, after),
    stop() {
      for (const { rules } of path.devices) rules.end();
      stopping ??= Promise.all([server.stop(), control?.close()]).then(async () => {
        await Promise.all([faultLog?.end(), journalsEnd(path.devices, log)]);
        path.journals.end();
        pool?.end();
      });
      return stopping;
    },
    stopNow,
  };
}

function endNow({ server, devices, journals, pool }: WholePath): void {
  server.stopNow();
  for (const { journal } of devices) journal?.completeNow();
  journals.end();
  pool?.end();
}

/** Waits for a slow disk, but not for ever. */
async function journalsEnd(devices: Iterable<NullDevice>, log: Logger): Promise<void> {
  const journals = Array.from(devices, ({ journal }) => journal?.complete());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), JOURNALS_END_MS);
  });
  const end = await Promise.race([Promise.all(journals), late]);
  clearTimeout(timer);
  if (end === 'late')
    log.warn('journal_file: the disk takes it too slowly: a journal is not whole');
}

interface WholePath extends DataPath {
  readonly pool: ThreadPool | undefined;
  readonly memory: DataMemory;
  readonly journals: JournalFiles;
  /** What the control API tells of clients. */
  readonly counted: Counted;
}

type Counted = Pick<
  DaemonFacts,
  'clientFaults' | 'serverFaults' | 'refusedConnections' | 'traffic' | 'threads'
>;

/** The data path on the system's time, with its threads. @throws TlsError. */
async function startDataPath(
  options: DaemonOptions,
  notice: (line: string) => void,
): Promise<WholePath> {
  const limits = withDefaults(limitsFor(options.limits));
  const tls = options.tls === undefined ? undefined : serverTls(options.tls.files);
  const threads = options.stdin === true ? 1 : (options.threads ?? 1); // its client is served here
  const crowded = availableParallelism() < (threads > 1 ? threads + 2 : 2);
  const busyPoll = mainBusyPoll(crowded, options.limits, limits);
  const timing = makeTiming(systemClock, systemScheduler, busyPoll);
  const faults = new FaultCounts(0, FaultCounts.memoryFor(threads));
  const busyPollNs = limits.busyPoll * 1000;
  const traffic = new Traffic(0, Traffic.memoryFor(threads));
  const waiting = { busyPollNs, crowded, faults: faults.memory, traffic: traffic.memory };
  const pool = await startThreads(threads, options, waiting, timing.pacing);
  // The threads have taken their address space.
  const memory = makeDataMemory(options.memoryLimit, options.log);
  const shared = pool && (await shareMemory(pool, threads, memory));
  const journals = journalFiles();
  const path = makeDataPath(options, {
    ...{ timing, limits, tls, notice, faults, traffic },
    allocator: shared?.allocator ?? returningSlabs(timing, memory),
    share: shared?.share,
    collect: collectGarbage,
    openJournal: journals.open,
    makeToucher: () => new ZeroReader(),
    mark: Date.now().toString(36),
    openStream: (socket, sink, here) =>
      (here ? undefined : pool?.open(socket, sink)) ?? new SocketStream(socket, sink),
    tlsMode: options.tls?.mode ?? 'off',
    protocol: options.protocol ?? 'extended',
  });
  const counted: Counted = {
    clientFaults: () => faults.total(),
    serverFaults: () => path.serverFaults.total(),
    refusedConnections: () => path.server.refused.total(),
    traffic: () => traffic.total(),
    threads,
  };
  return { ...path, pool, memory, journals, counted };
}

/** A thread that waits awake must leave a core to clients and other threads; otherwise it waits for what it
 *  keeps from running: with three threads on two cores 30,000 requests a second became 6,000. A user may ask
 *  for it all the same. */
function mainBusyPoll(
  crowded: boolean,
  given: Partial<ClientLimits> | undefined,
  { busyPoll }: ClientLimits,
): Nanoseconds {
  return nanoseconds(crowded ? (given?.busyPoll ?? 0) * 1000 : busyPoll * 1000);
}

/** @returns undefined: this thread is the only one. @throws ThreadsError. */
async function startThreads(
  threads: number,
  { tls, log }: DaemonOptions,
  waiting: Pick<PoolOptions, 'busyPollNs' | 'crowded' | 'faults' | 'traffic'>,
  pacing: Pacing,
): Promise<ThreadPool | undefined> {
  if (threads === 1) return undefined;
  const pool = await startPool(threads, { log, ...waiting, tls: tls?.files });
  pool.onWake = () => pacing.wake();
  pool.onTraffic = () => pacing.traffic();
  pacing.source = pool;
  return pool;
}

async function shareMemory(pool: ThreadPool, threads: number, memory: DataMemory) {
  const { sharedSlabs, sharing } = await import('./shared-memory.ts');
  const allocator = sharedSlabs(pool, systemScheduler, memory);
  return { allocator, share: sharing(pool, threads) };
}

function addressUri(transport: ListenAddress, exportName: string): string {
  const tls = transport.tls === true;
  return formatNbdUri({ tls, transport, exportName, query: new Map() });
}
