/** The server's end of a connection, as it is for whoever carries the bytes; what it takes is noted, since
 *  bytes may wait for it in the system and between threads. */

import type { ByteSink } from '../../src/server/byte-stream.ts';
import type { ServerFault } from '../../src/server/server-faults.ts';
import type { Wire } from './wire.ts';

export class NotedSink implements ByteSink {
  readonly #sink: ByteSink;
  readonly #wire: Wire;

  constructor(sink: ByteSink, wire: Wire) {
    this.#sink = sink;
    this.#wire = wire;
  }

  target(): Uint8Array {
    return this.#sink.target();
  }

  received(length: number): boolean {
    this.#wire.took();
    return this.#sink.received(length);
  }

  ended(): void {
    this.#sink.ended();
  }

  written(): void {
    this.#sink.written();
  }

  closed(reason: string | undefined, fault?: ServerFault): void {
    this.#sink.closed(reason, fault);
  }
}
