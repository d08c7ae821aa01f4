/** One reply that does not reach the client as it should: encoded apart, changed, and sent in its place.
 *  Source: faults.md section 3. */

import { ChunkFlag, type ReplyAddress, type ReplyEncoder } from 'nbd-server-protocol-ts';
import type { ReplySink, ViewHolder, WireFault } from '../export/reply-sink.ts';
import type { PageViews } from '../pages/views.ts';
import { bug } from '../units.ts';
import { ERROR_TEXT_MAX, errorText } from './error-text.ts';

const { DONE } = ChunkFlag;
const ERROR_CHUNK_MAX = 64 + ERROR_TEXT_MAX;
/** The place of the cookie, in replies of every form. */
const COOKIE_AT = 8;
const COOKIE_BITS = 64;

/** A reply as it is sent: nothing of its data is copied. */
export interface ChangedReply {
  readonly parts: readonly Uint8Array[];
  /** What `parts` show, until they are sent. */
  readonly views: PageViews | undefined;
}

/** Sends the changed reply. */
export type SendReply = (fault: WireFault, reply: ChangedReply) => void;

export class WireReply implements ReplySink {
  readonly mayRetain = true;
  readonly #encoder: ReplyEncoder;
  readonly #fault: WireFault;
  readonly #send: SendReply;
  #read = new Uint8Array(0);
  #to: ReplyAddress = { cookieHigh: 0, cookieLow: 0, offsetHigh: 0, offsetLow: 0 };

  constructor(encoder: ReplyEncoder, fault: WireFault, send: SendReply) {
    this.#encoder = encoder;
    this.#fault = fault;
    this.#send = send;
  }

  get readBuffer(): Uint8Array {
    return this.#read;
  }

  through(): ReplySink {
    return bug('a reply that misbehaves twice');
  }

  ok(to: ReplyAddress): void {
    if (this.#unknownError(to)) return;
    const bytes = new Uint8Array(this.#encoder.headerBytes);
    this.#finish(bytes, this.#encoder.done(viewOf(bytes), 0, to));
  }

  error(to: ReplyAddress, error: number, text: string, delta: number): void {
    if (this.#unknownError(to)) return;
    const bytes = new Uint8Array(ERROR_CHUNK_MAX);
    const [view, words] = [viewOf(bytes), errorText(text)];
    const length =
      delta < 0
        ? this.#encoder.error(view, bytes, 0, to, error, words)
        : this.#encoder.errorAt(view, bytes, 0, DONE, to, error, words, delta);
    this.#finish(bytes, length);
  }

  openRead(to: ReplyAddress, length: number): number {
    const bytes = new Uint8Array(this.#encoder.dataHeadBytes + length);
    this.#read = bytes;
    this.#to = to;
    return this.#encoder.data(viewOf(bytes), 0, DONE, to, 0, length);
  }

  commitRead(): void {
    if (!this.#unknownError(this.#to)) this.#finish(this.#read, this.#read.length);
  }

  cancelRead(): void {}

  sendViews(to: ReplyAddress, views: PageViews, _whole: boolean, holder: ViewHolder): void {
    if (this.#unknownError(to)) return holder.viewsSent();
    const head = new Uint8Array(this.#encoder.dataHeadBytes);
    this.#encoder.data(viewOf(head), 0, DONE, to, 0, views.bytes);
    const own = views.moved();
    const data = own.buffers.map((buffer, n) => buffer.subarray(own.starts[n], own.ends[n]));
    // The command is over now: a connection that stands still holds up nobody else.
    holder.viewsSent();
    this.#change(head, data, own);
  }

  status(): void {
    bug('a block status is not a command of a device');
  }

  /** @returns true when the rule replaces the reply by it. */
  #unknownError(to: ReplyAddress): boolean {
    const { wire } = this.#fault;
    if (wire.form !== 'error') return false;
    const bytes = new Uint8Array(ERROR_CHUNK_MAX);
    const length = this.#encoder.error(viewOf(bytes), bytes, 0, to, wire.value, errorText(''));
    this.#send(this.#fault, { parts: [bytes.subarray(0, length)], views: undefined });
    return true;
  }

  #finish(buffer: Uint8Array, length: number): void {
    this.#change(buffer.subarray(0, length), [], undefined);
  }

  /** @param first its header, or all of it. @param rest its data. */
  #change(first: Uint8Array, rest: readonly Uint8Array[], views: PageViews | undefined): void {
    const { wire } = this.#fault;
    const parts = [first, ...rest];
    if (wire.form === 'magic') flip(first, 0);
    if (wire.form === 'cookie') {
      const which = new Uint8Array(1);
      this.#fault.fill(which);
      flip(first, COOKIE_AT * 8 + ((which[0] ?? 0) % COOKIE_BITS));
    }
    if (wire.form === 'duplicate') parts.push(...parts);
    if (wire.form === 'garbage') {
      const garbage = new Uint8Array(wire.bytes);
      this.#fault.fill(garbage);
      parts.unshift(garbage);
    }
    this.#send(this.#fault, { parts, views });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function flip(bytes: Uint8Array, bit: number): void {
  const at = Math.floor(bit / 8);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
}
