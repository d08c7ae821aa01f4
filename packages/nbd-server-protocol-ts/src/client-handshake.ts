/** The client's half of the handshake: bytes in at any cut, bytes out, until both sides agree on an
 *  export or part. No I/O. Source: nbd-protocol.md sections 2 and 5. */

import {
  ClientFlag,
  HandshakeFlag,
  IHAVEOPT_HIGH,
  IHAVEOPT_LOW,
  NBDMAGIC_HIGH,
  NBDMAGIC_LOW,
  OPTION_REPLY_MAGIC_HIGH,
  OPTION_REPLY_MAGIC_LOW,
  Option,
  OptionReply,
} from './constants.ts';
import { Gather } from './gather.ts';
import { clientLimits as limits } from './limits.ts';
import { type ClientEnd, type ClientWishes, type Negotiation, negotiate } from './negotiation.ts';
import { encodeOption, OPTION_REPLY_BYTES } from './option.ts';
import { concat } from './text.ts';

/** `output` is to be sent in every case; `consumed` bytes were taken.
 *  starttls: make the connection a TLS one, then send what `secured()` returns.
 *  transmission: the bytes behind the consumed ones are replies. */
export type ClientProgress = (
  | { readonly state: 'haggling' }
  | { readonly state: 'starttls' }
  | ClientEnd
) & { readonly consumed: number; readonly output: Uint8Array };

/** What the next bytes are; `secure` = none before TLS. */
type Phase = 'greeting' | 'header' | 'data' | 'byName' | 'secure';

const GREETING_BYTES = 18;
const NO_DATA = new Uint8Array(0);
const HAGGLING = { state: 'haggling' } as const;
const STARTTLS = { state: 'starttls' } as const;

export class ClientHandshake {
  readonly #wishes: ClientWishes;
  readonly #gather = new Gather();
  #negotiation: Negotiation | undefined;
  #phase: Phase = 'greeting';
  #noZeroes = false;
  /** The option that was sent. */
  #option = 0;
  /** The reply that is being received, and those before it. */
  #type = 0;
  #length = 0;
  #replies: { type: number; data: Uint8Array }[] = [];
  #bytes = 0;
  #output: Uint8Array[] = [];
  #end: ClientEnd | undefined;

  constructor(wishes: ClientWishes = {}) {
    this.#wishes = wishes;
  }

  /** Takes bytes[start, end) as far as they belong to the handshake. */
  receive(bytes: Uint8Array, start: number, end: number): ClientProgress {
    let at = start;
    while (this.#end === undefined && this.#phase !== 'secure') {
      const piece = this.#gather.take(bytes, at, end, this.#need());
      at += this.#gather.took;
      if (piece === undefined) break;
      this.#take(piece);
    }
    if (this.#phase === 'secure' && at < end) this.#fail('bytes before TLS that are not encrypted');
    const output = concat(this.#output);
    this.#output = [];
    const secure = this.#phase === 'secure' ? STARTTLS : HAGGLING;
    return { ...(this.#end ?? secure), consumed: at - start, output };
  }

  /** TLS is on. @returns the first bytes to send inside it.
   *  @throws before STARTTLS was agreed on. */
  secured(): Uint8Array {
    if (this.#phase !== 'secure') throw new Error('the server did not agree to TLS');
    this.#phase = 'header';
    this.#answer(OptionReply.ACK, NO_DATA);
    const output = concat(this.#output);
    this.#output = [];
    return output;
  }

  #need(): number {
    switch (this.#phase) {
      case 'greeting':
        return GREETING_BYTES;
      case 'header':
        return OPTION_REPLY_BYTES;
      case 'byName':
        return this.#noZeroes ? 10 : 134;
      default:
        return this.#length;
    }
  }

  #take(piece: Uint8Array): void {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    switch (this.#phase) {
      case 'greeting':
        return this.#takeGreeting(view);
      case 'header':
        return this.#takeHeader(view);
      case 'byName':
        return this.#answer(OptionReply.ACK, piece);
      default:
        return this.#takeReply(piece);
    }
  }

  #takeGreeting(view: DataView): void {
    const newstyle =
      view.getUint32(0) === NBDMAGIC_HIGH &&
      view.getUint32(4) === NBDMAGIC_LOW &&
      view.getUint32(8) === IHAVEOPT_HIGH &&
      view.getUint32(12) === IHAVEOPT_LOW;
    if (!newstyle) return this.#fail('this is not an NBD server of the newstyle');
    const offered = view.getUint16(16);
    const fixed = (offered & HandshakeFlag.FIXED_NEWSTYLE) !== 0;
    this.#noZeroes = (offered & HandshakeFlag.NO_ZEROES) !== 0;
    const flags = new DataView(new ArrayBuffer(4));
    const noZeroes = this.#noZeroes ? ClientFlag.NO_ZEROES : 0;
    flags.setUint32(0, (fixed ? ClientFlag.FIXED_NEWSTYLE : 0) | noZeroes);
    this.#output.push(new Uint8Array(flags.buffer));
    this.#negotiation = negotiate(this.#wishes, fixed);
    this.#goOn(this.#negotiation.next());
  }

  #takeHeader(view: DataView): void {
    if (
      view.getUint32(0) !== OPTION_REPLY_MAGIC_HIGH ||
      view.getUint32(4) !== OPTION_REPLY_MAGIC_LOW
    ) {
      return this.#fail('bytes that are not a reply to an option (wrong magic)');
    }
    if (view.getUint32(8) !== this.#option) return this.#fail('a reply to another option');
    this.#type = view.getUint32(12);
    this.#length = view.getUint32(16);
    this.#bytes += OPTION_REPLY_BYTES + this.#length;
    if (this.#length > limits.replyBytes.max) return this.#fail('a reply that is too long');
    if (this.#bytes > limits.bytesInAll.max) return this.#fail('too many replies');
    this.#phase = 'data';
  }

  #takeReply(piece: Uint8Array): void {
    this.#phase = 'header';
    const final = this.#type === OptionReply.ACK || this.#type >= 0x8000_0000;
    if (!final) {
      this.#replies.push({ type: this.#type, data: piece.slice() });
    } else if (this.#option === Option.STARTTLS && this.#type === OptionReply.ACK) {
      this.#phase = 'secure';
    } else {
      this.#answer(this.#type, piece);
    }
  }

  #answer(final: number, text: Uint8Array): void {
    const replies = this.#replies;
    this.#replies = [];
    if (this.#negotiation !== undefined) {
      this.#goOn(this.#negotiation.next({ replies, final, text }));
    }
  }

  #goOn(next: ReturnType<Negotiation['next']>): void {
    if (next.done === true) {
      this.#end = next.value;
      if (next.value.state === 'transmission') return;
      this.#output.push(encodeOption(Option.ABORT, NO_DATA));
      return;
    }
    const { option, data } = next.value;
    this.#option = option;
    this.#phase = option === Option.EXPORT_NAME ? 'byName' : 'header';
    this.#output.push(encodeOption(option, data));
  }

  #fail(reason: string): void {
    this.#end = { state: 'failed', reason };
  }
}
