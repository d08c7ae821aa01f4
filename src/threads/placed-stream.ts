/** A client that begins in the main thread, and goes to a thread when that thread can execute its requests. The
 *  main thread serves the clients of all other devices, as without threads. Does not know which thread, nor what a socket is. */

import type { DirectOffer } from '../export/direct-offer.ts';
import type { ByteStream, TlsSink } from '../server/byte-stream.ts';
import type { ServerTls } from '../server/tls-credentials.ts';
import type { Scheduler } from '../time/clock.ts';

export interface Home {
  readonly stream: ByteStream;
  /** Called while nothing is read or written. The client goes to a thread, or stays if no thread takes it;
   *  nothing is read before `resume`. From now on the sink hears only of the stream that is returned.
   *  @returns undefined: the client has gone, which its sink will hear. */
  leave(): ByteStream | undefined;
}

export class PlacedStream implements ByteStream {
  readonly remoteAddress: string | undefined;
  readonly #scheduler: Scheduler;
  #now: ByteStream;
  /** Undefined: it has left. */
  #home: Home | undefined;
  #offer: DirectOffer | undefined;
  /** It is about to leave, and nothing is read. */
  #leaving = false;
  /** The connection is ending. */
  #stays = false;

  constructor(home: Home, scheduler: Scheduler) {
    this.#home = home;
    this.#now = home.stream;
    this.remoteAddress = home.stream.remoteAddress;
    this.#scheduler = scheduler;
  }

  get unsent(): number {
    return this.#now.unsent;
  }

  get taken(): number | undefined {
    return this.#now.taken;
  }

  get batchesElsewhere(): number {
    return this.#now.batchesElsewhere ?? 0;
  }

  get worthWaiting(): boolean {
    return this.#now.worthWaiting !== false;
  }

  writeNow(bytes: Uint8Array, from: number, to: number): number {
    return this.#now.writeNow?.(bytes, from, to) ?? 0;
  }

  write(parts: readonly Uint8Array[]): boolean {
    return this.#now.write(parts);
  }

  pause(): void {
    this.#now.pause();
  }

  resume(): void {
    if (!this.#leaving) this.#now.resume();
  }

  end(): void {
    this.#stays = true;
    this.#now.end();
  }

  destroy(): void {
    this.#stays = true;
    this.#now.destroy();
  }

  reset(): void {
    this.#stays = true;
    // Elsewhere what was sent may be on its way still.
    if (this.#now.reset === undefined) this.#now.end();
    else this.#now.reset();
  }

  secure(tls: ServerTls, sink: TlsSink): ByteStream | undefined {
    return this.#now.secure(tls, sink);
  }

  offer(offer: DirectOffer): void {
    this.#offer = offer;
    this.#now.offer?.(offer);
  }

  /** Its thread may have it, also one that it has to go to first. */
  lend(): void {
    if (this.#home === undefined) return this.#now.lend?.();
    if (this.#leaving || this.#stays) return;
    this.#leaving = true;
    this.#now.pause();
    // Not inside a read of the socket that is given away.
    this.#scheduler.immediate(() => this.#goAndLend());
  }

  revoke(): void {
    this.#stays = true;
    this.#now.revoke?.();
  }

  #goAndLend(): void {
    this.#leaving = false;
    const now = this.#stays ? this.#now : this.#leave();
    if (now === undefined) return;
    if (this.#offer !== undefined) now.offer?.(this.#offer);
    now.resume();
    if (!this.#stays) now.lend?.();
  }

  /** @returns where it is from now on; undefined: nowhere. */
  #leave(): ByteStream | undefined {
    const home = this.#home;
    if (home === undefined) return this.#now;
    const now = home.leave();
    if (now === undefined) return undefined;
    this.#home = undefined;
    this.#now = now;
    return now;
  }
}
