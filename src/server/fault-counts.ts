/** How often clients broke a rule and were still served, for all clients together. Threads for sockets count,
 *  too: each has a row of its own in shared memory, and the reader adds the rows up.
 *  Source: docs/client-faults.md. */

import { type ClientFault, clientFaultNames } from 'nbd-server-protocol-ts';

const places = new Map(clientFaultNames.map((name, place) => [name, place]));

/** Exact up to 2^53. */
const COUNT_BYTES = Float64Array.BYTES_PER_ELEMENT;

export class FaultCounts {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Float64Array;
  readonly #first: number;

  /** @param row of the counting thread: 0 is the main thread, n + 1 thread n for sockets.
   *  @param memory `FaultCounts.memoryFor` all of them. */
  constructor(row: number, memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#counts = new Float64Array(memory);
    this.#first = row * clientFaultNames.length;
  }

  static memoryFor(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer((threads + 1) * clientFaultNames.length * COUNT_BYTES);
  }

  add(fault: ClientFault): void {
    const at = this.#first + (places.get(fault) ?? 0);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Of all rows together. */
  total(): ReadonlyMap<ClientFault, number> {
    const width = clientFaultNames.length;
    const sum = (place: number): number => {
      let count = 0;
      for (let at = place; at < this.#counts.length; at += width) count += this.#counts[at] ?? 0;
      return count;
    };
    return new Map(clientFaultNames.map((name, place) => [name, sum(place)]));
  }
}
