/** What a thread does for a client on its own, while the main thread has lent it: bytes from the socket
 *  are requests, executed here as long as they can be. Who has the client at a time is the relay's
 *  matter. */

import { orNone } from '../pages/memory.ts';
import { KiB } from '../units.ts';
import type { DirectEnd, DirectRequests } from './direct-requests.ts';

/** One read of a socket at most. What a client sends that is not ours must fit a ring: this and once more. */
export const LEASE_WINDOW_BYTES = 252 * KiB;
/** The socket asks for a place for its next bytes also when it is paused and the window is full. */
const SPARE = 4 * KiB;

/** A place for bytes, of which [at, end) are not consumed. */
export class LeaseWindow {
  readonly bytes = new Uint8Array(LEASE_WINDOW_BYTES + SPARE);
  readonly view = new DataView(this.bytes.buffer);
  at = 0;
  end = 0;

  get empty(): boolean {
    return this.at === this.end;
  }

  get rest(): Uint8Array {
    return this.bytes.subarray(this.at, this.end);
  }
}

export class Lease {
  readonly #requests: DirectRequests;
  /** Of all clients of the thread: empty between two reads. */
  readonly #common: LeaseWindow;
  /** Where half requests wait; made when there is one. */
  #own: LeaseWindow | undefined;
  /** Where the socket was told to put the next bytes. */
  #targetIn: LeaseWindow;
  #targetAt = 0;
  /** Batches, and how many there were when somebody asked. */
  #served = 0;
  #servedBefore = -1;

  constructor(requests: DirectRequests, common: LeaseWindow) {
    this.#requests = requests;
    this.#common = this.#targetIn = common;
  }

  /** What was left over when it was asked for the last time is all that is there. */
  get stands(): boolean {
    const same = this.#served === this.#servedBefore;
    this.#servedBefore = this.#served;
    return same;
  }

  /** Nothing is left over. */
  get empty(): boolean {
    return this.#own === undefined || this.#own.empty;
  }

  /** What is left over; it is forgotten. */
  takeRest(): Uint8Array {
    const own = this.#own;
    if (own === undefined) return this.#common.bytes.subarray(0, 0);
    const { rest } = own;
    own.at = own.end = 0;
    return rest;
  }

  /** Where the next bytes go; never empty. */
  target(): Uint8Array {
    const own = this.#own;
    const window = own === undefined || own.empty ? this.#common : own;
    this.#targetIn = window;
    this.#targetAt = window === own ? own.end : 0;
    const full = this.#targetAt >= LEASE_WINDOW_BYTES;
    return window.bytes.subarray(this.#targetAt, full ? window.bytes.length : LEASE_WINDOW_BYTES);
  }

  /** The bytes that came to the target, for somebody else. */
  incoming(length: number): Uint8Array {
    return this.#targetIn.bytes.subarray(this.#targetAt, this.#targetAt + length);
  }

  /** `length` bytes came to the target, which was named before the client was paused: what was left over
   *  may have moved since. */
  extend(length: number): void {
    const window = this.#targetIn;
    const at = this.#targetAt;
    if (window.empty) window.at = window.end = at;
    else if (at !== window.end) window.bytes.copyWithin(window.end, at, at + length);
    window.end += length;
  }

  /** `bytes`, not more than a window, came to another place, and nothing is left over. */
  copyIn(bytes: Uint8Array): void {
    const common = this.#common;
    this.#targetIn = common;
    common.bytes.set(bytes);
    common.at = 0;
    common.end = bytes.length;
  }

  /** Executes what it can. Afterwards nothing of this client is in the common window. */
  serve(): DirectEnd {
    this.#served++;
    const common = this.#common;
    const window = common.empty ? (this.#own ?? common) : common;
    const requests = this.#requests;
    const how = requests.take(window.bytes, window.view, window.at, window.end);
    window.at += requests.consumed;
    if (window.empty) window.at = window.end = 0;
    else if (window !== common) this.#tidy(window);
    else if (!this.#keep(common)) return 'lost';
    return how;
  }

  /** @returns false: there is no memory for what is left over, and it is forgotten. */
  #keep(common: LeaseWindow): boolean {
    this.#own ??= orNone(() => new LeaseWindow());
    const own = this.#own;
    if (own === undefined) {
      common.at = common.end = 0;
      return false;
    }
    own.bytes.set(common.rest);
    own.at = 0;
    own.end = common.end - common.at;
    common.at = common.end = 0;
    return true;
  }

  #tidy(window: LeaseWindow): void {
    if (window.at === 0) return;
    window.bytes.copyWithin(0, window.at, window.end);
    window.end -= window.at;
    window.at = 0;
  }
}
