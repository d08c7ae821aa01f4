/** Sums over a disk's requests: numbers, sectors, errors and times, by kind of operation. The hot path adds
 *  to plain counters; the reader does the arithmetic.
 *  Source: control.md section 3, Stats. */

import { bug } from '../units.ts';
import { Command } from './command.ts';
import { Histogram } from './histogram.ts';
import { type RefusalCause, refusalCauseNames } from './refusals.ts';
import { Status } from './status.ts';

export const ioKinds = ['read', 'write', 'discard', 'write-zeroes', 'flush', 'zone'] as const;
export type IoKind = (typeof ioKinds)[number];

/** Index into `ioKinds`. */
const kindOf = {
  [Command.READ]: 0,
  [Command.WRITE]: 1,
  [Command.ZONE_APPEND]: 1,
  [Command.DISCARD]: 2,
  [Command.WRITE_ZEROES]: 3,
  [Command.FLUSH]: 4,
  [Command.ZONE_OPEN]: 5,
  [Command.ZONE_CLOSE]: 5,
  [Command.ZONE_FINISH]: 5,
  [Command.ZONE_RESET]: 5,
  [Command.ZONE_RESET_ALL]: 5,
} as const satisfies Record<Command, number>;

const kindByCommand = new Uint8Array(16);
for (const [command, kind] of Object.entries(kindOf)) kindByCommand[Number(command)] = kind;

const STATUSES = 32;

export class IoStats {
  readonly requests = new Float64Array(ioKinds.length);
  readonly sectors = new Float64Array(ioKinds.length);
  /** By kind, then status: see `errorsOf`. Those that were refused are not among them. */
  readonly errors = new Float64Array(ioKinds.length * STATUSES);
  /** Requests that were refused, by status. */
  readonly refusedWith = new Float64Array(STATUSES);
  /** What was refused, request or not, by the place of its cause in `refusalCauseNames`. */
  readonly refusals = new Float64Array(refusalCauseNames.length);
  /** From the hand-over to the hardware queue to the end, in ns. */
  readonly latency: readonly Histogram[] = ioKinds.map(() => new Histogram());

  /** How long something was in flight, in ns, up to `#busySince`. */
  #busyNs = 0;
  /** The same of others, where it is longer. It is not added: a sum that is taken back when they turn out to have
   *  worked at the same time would fall. */
  #busyElsewhereNs = 0;
  /** -1: nothing is in flight. */
  #busySince = -1;

  /** A request has ended `ns` after it was handed over. If it failed, call `failed` as well. */
  ended(command: Command, sectors: number, status: Status, ns: number): void {
    this.add(kindByCommand[command] ?? 0, 1, status === Status.OK ? sectors : 0, ns);
  }

  /** @param cause undefined: it was not refused. */
  failed(command: Command, status: Status, cause?: RefusalCause): void {
    if (cause === undefined) increase(this.errors, errorPlace(kindByCommand[command] ?? 0, status));
    else {
      increase(this.refusedWith, status);
      this.refused(cause);
    }
  }

  /** Something was refused. */
  refused(cause: RefusalCause): void {
    increase(this.refusals, refusalCauseNames.indexOf(cause));
  }

  errorsOf(kind: number, status: Status): number {
    return this.errors[errorPlace(kind, status)] ?? 0;
  }

  refusalsBy(cause: RefusalCause): number {
    return this.refusals[refusalCauseNames.indexOf(cause)] ?? 0;
  }

  /** Something is in flight, since `now` at the latest. */
  busyFrom(now: number): void {
    if (this.#busySince < 0) this.#busySince = now;
  }

  /** Nothing is in flight any more. */
  idleFrom(now: number): void {
    if (this.#busySince >= 0) this.#busyNs += Math.max(0, now - this.#busySince);
    this.#busySince = -1;
  }

  /** For how many ns something was in flight. */
  busyNs(now: number): number {
    const own = this.#busyNs + (this.#busySince < 0 ? 0 : Math.max(0, now - this.#busySince));
    return Math.max(own, this.#busyElsewhereNs);
  }

  /** Somebody else was busy with the same disk for `ns`, at times that nobody knows: it was so for the longer
   *  of both at least. */
  busyAtLeast(ns: number): void {
    this.#busyElsewhereNs = Math.max(this.#busyElsewhereNs, ns);
  }

  /** `requests` of one kind took `ns` each, and did `sectors` in all. */
  add(kind: number, requests: number, sectors: number, ns: number): void {
    this.requests[kind] = (this.requests[kind] ?? 0) + requests;
    this.sectors[kind] = (this.sectors[kind] ?? 0) + sectors;
    this.histogram(kind).record(ns, requests);
  }

  /** Adds what another has counted. */
  merge(other: IoStats): void {
    for (const name of ['requests', 'sectors', 'errors', 'refusedWith', 'refusals'] as const) {
      const counts = this[name];
      for (let at = 0; at < counts.length; at++) {
        counts[at] = (counts[at] ?? 0) + (other[name][at] ?? 0);
      }
    }
    for (let kind = 0; kind < ioKinds.length; kind++) {
      this.histogram(kind).add(other.histogram(kind));
    }
    if (other.#busySince >= 0) this.busyFrom(other.#busySince);
    this.#busyNs += other.#busyNs;
  }

  histogram(kind: number): Histogram {
    return this.latency[kind] ?? bug(`no kind ${kind}`);
  }
}

function errorPlace(kind: number, status: Status): number {
  return kind * STATUSES + status;
}

function increase(counts: Float64Array, at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}

/** Requests that end within the batch that brought them. One reading of the clock at the end of the batch
 *  serves them all. Most batches have one kind, so a request costs two additions. */
export class BatchTimes {
  readonly #stats: IoStats;
  readonly #ended = new Float64Array(ioKinds.length);
  readonly #done = new Float64Array(ioKinds.length);
  /** The current kind: its requests and sectors that are not in the arrays yet. */
  #kind = 0;
  #count = 0;
  #sectors = 0;

  constructor(stats: IoStats) {
    this.#stats = stats;
  }

  ended(command: Command, sectors: number, status: Status): void {
    const kind = kindByCommand[command] ?? 0;
    if (kind !== this.#kind) this.#turnTo(kind);
    this.#count++;
    if (status === Status.OK) this.#sectors += sectors;
  }

  /** The batch took `ns`. */
  over(ns: number): void {
    this.#turnTo(this.#kind);
    for (let kind = 0; kind < this.#ended.length; kind++) {
      const ended = this.#ended[kind] ?? 0;
      if (ended === 0) continue;
      this.#stats.add(kind, ended, this.#done[kind] ?? 0, ns);
      this.#ended[kind] = this.#done[kind] = 0;
    }
  }

  #turnTo(kind: number): void {
    const before = this.#kind;
    this.#ended[before] = (this.#ended[before] ?? 0) + this.#count;
    this.#done[before] = (this.#done[before] ?? 0) + this.#sectors;
    this.#kind = kind;
    this.#count = this.#sectors = 0;
  }
}
