/** A command that is refused: its payload, if any, is dropped as it comes, and then the error is sent; so the
 *  stream stays in sync. Source: nbd-protocol.md section 3.2. */

import type { ReplyAddress, RequestHeader } from 'nbd-server-protocol-ts';
import type { Refusal } from '../export/rules.ts';
import type { Output } from './output.ts';
import type { ReceiveWindow } from './window.ts';

export class RefusedCommand implements ReplyAddress {
  cookieHigh = 0;
  cookieLow = 0;
  offsetHigh = 0;
  offsetLow = 0;
  readonly #scratch: Uint8Array;
  #refusal: Refusal | undefined;
  #left = 0;

  /** @param scratch memory for dropped bytes; all clients may share it. */
  constructor(scratch: Uint8Array) {
    this.#scratch = scratch;
  }

  /** True while bytes are to be dropped. */
  get pending(): boolean {
    return this.#left > 0;
  }

  /** Refuses the command of `header`, whose payload has `left` bytes that were not taken. */
  begin(header: RequestHeader, refusal: Refusal, left: number): void {
    this.#refusal = refusal;
    this.#left = left;
    this.cookieHigh = header.cookieHigh;
    this.cookieLow = header.cookieLow;
    this.offsetHigh = header.offsetHigh;
    this.offsetLow = header.offsetLow;
  }

  /** Where the next bytes of the payload go: in large reads, always to the same memory, which is in the
   *  processor's cache. So they cost only the kernel's copy. */
  target(): Uint8Array {
    const { length } = this.#scratch;
    return this.#left < length ? this.#scratch.subarray(0, this.#left) : this.#scratch;
  }

  /** `length` bytes are where `target` said. @returns true when that was all, and the error is sent. */
  received(length: number, output: Output): boolean {
    this.#left -= length;
    if (this.#left > 0 || this.#refusal === undefined) return false;
    output.error(this, this.#refusal.error, this.#refusal.text, -1);
    this.#refusal = undefined;
    return true;
  }

  /** The same for the part that is in the window. */
  feed(window: ReceiveWindow, output: Output): boolean {
    const there = Math.min(this.#left, window.end - window.at);
    window.at += there;
    return this.received(there, output);
  }
}
