/** What a disk's requests added up to: numbers, sectors, errors and times, by kind of operation.
 *  Plain counters that the hot path adds to; who looks at them does the arithmetic.
 *  Source: control.md section 3, stats. */

import { bug } from '../units.ts';
import { Command } from './command.ts';
import { Histogram } from './histogram.ts';
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
  /** By status. */
  readonly errors = new Float64Array(STATUSES);
  /** From the hand-over to the hardware queue to the end, in ns. */
  readonly latency: readonly Histogram[] = ioKinds.map(() => new Histogram());

  /** A request has ended `ns` after it was handed over. */
  ended(command: Command, sectors: number, status: Status, ns: number): void {
    this.histogram(this.count(command, sectors, status)).record(ns);
  }

  histogram(kind: number): Histogram {
    return this.latency[kind] ?? bug(`no kind ${kind}`);
  }

  /** Counts a request that ended. @returns its kind. */
  count(command: Command, sectors: number, status: Status): number {
    const kind = kindByCommand[command] ?? 0;
    this.requests[kind] = (this.requests[kind] ?? 0) + 1;
    if (status === Status.OK) this.sectors[kind] = (this.sectors[kind] ?? 0) + sectors;
    else this.errors[status] = (this.errors[status] ?? 0) + 1;
    return kind;
  }
}

/** The times of requests that end within the batch that brought them: one look at the clock when the
 *  batch is over serves them all. */
export class BatchTimes {
  readonly #stats: IoStats;
  readonly #ended = new Int32Array(ioKinds.length);
  #count = 0;

  constructor(stats: IoStats) {
    this.#stats = stats;
  }

  ended(command: Command, sectors: number, status: Status): void {
    const kind = this.#stats.count(command, sectors, status);
    this.#ended[kind] = (this.#ended[kind] ?? 0) + 1;
    this.#count++;
  }

  /** The batch took `ns`. */
  over(ns: number): void {
    if (this.#count === 0) return;
    this.#count = 0;
    for (let kind = 0; kind < this.#ended.length; kind++) {
      const ended = this.#ended[kind] ?? 0;
      if (ended === 0) continue;
      this.#ended[kind] = 0;
      this.#stats.histogram(kind).record(ns, ended);
    }
  }
}
