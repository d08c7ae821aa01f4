/** The server's half of the fixed newstyle handshake: bytes in at any cut, bytes out, until both sides agree
 *  on an export or part. No I/O. It never loses sync: an option's data are always consumed whole. Source:
 *  nbd-protocol.md sections 2 and 5. */

import {
  ClientFlag,
  HandshakeFlag,
  IHAVEOPT_HIGH,
  IHAVEOPT_LOW,
  NBDMAGIC_HIGH,
  NBDMAGIC_LOW,
} from './constants.ts';
import { Gather } from './gather.ts';
import {
  Haggling,
  type HandshakeEnd,
  type HandshakeHost,
  type HandshakeOptions,
} from './haggling.ts';
import type { ExportInfo } from './info.ts';
import { handshakeLimits as limits } from './limits.ts';
import { OPTION_BYTES } from './option.ts';
import { answerOption } from './options.ts';
import { concat } from './text.ts';

/** `output` is to be sent in every case; `consumed` bytes were taken.
 *  starttls: send `output` in plaintext, make the connection a TLS one, and go on with the handshake
 *  that `secured()` returns.
 *  closed: send `output` and end the connection. */
export type HandshakeProgress<E extends ExportInfo> = (
  | { readonly state: 'haggling' }
  | HandshakeEnd<E>
) & { readonly consumed: number; readonly output: Uint8Array };

/** What the next bytes are. */
type Phase = 'flags' | 'header' | 'data' | 'drain';

const CLIENT_FLAGS_BYTES = 4;
const HAGGLING = { state: 'haggling' } as const;

/** What counts for the whole connection, also after TLS. */
interface Spent {
  bytes: number;
  options: number;
  /** What may be spent, with so many exports as there were when it was looked at. */
  bytesMax: number;
  optionsMax: number;
}

export class ServerHandshake<E extends ExportInfo> {
  #haggling: Haggling<E>;
  readonly #gather = new Gather();
  #spent: Spent = { bytes: 0, options: 0, ...allowance(0) };
  #phase: Phase = 'flags';
  /** Of the option that is being received. */
  #option = 0;
  /** Bytes of its data that are missing, or to be dropped. */
  #left = 0;

  constructor(host: HandshakeHost<E>, options: HandshakeOptions = {}) {
    this.#haggling = new Haggling(host, options, false);
  }

  /** Options that were taken so far, also before TLS. */
  get optionsTaken(): number {
    return this.#spent.options;
  }

  /** The first 18 bytes, sent before anything is received. */
  greeting(): Uint8Array {
    const view = new DataView(new ArrayBuffer(18));
    view.setUint32(0, NBDMAGIC_HIGH);
    view.setUint32(4, NBDMAGIC_LOW);
    view.setUint32(8, IHAVEOPT_HIGH);
    view.setUint32(12, IHAVEOPT_LOW);
    view.setUint16(16, HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES);
    return new Uint8Array(view.buffer);
  }

  /** Takes bytes[start, end) as far as they belong to the handshake. */
  receive(bytes: Uint8Array, start: number, end: number): HandshakeProgress<E> {
    let at = start;
    while (this.#haggling.end === undefined) {
      if (this.#phase === 'drain') {
        const took = Math.min(this.#left, end - at);
        this.#left -= took;
        at += took;
        if (this.#left > 0) break;
        this.#answer(undefined, at < end);
        continue;
      }
      const piece = this.#gather.take(bytes, at, end, this.#need());
      at += this.#gather.took;
      if (piece === undefined) break;
      this.#take(piece, at < end);
    }
    return this.#progress(start, at, end);
  }

  /** The handshake goes on inside TLS: nothing agreed before is in force any more, except the client flags,
   *  which are sent once in a connection, and the limits.
   *  @throws before STARTTLS was agreed on. */
  secured(): ServerHandshake<E> {
    const { host, options, end, clientFlags } = this.#haggling;
    if (end?.state !== 'starttls') throw new Error('the client did not ask for TLS');
    const next = new ServerHandshake(host, options);
    next.#haggling = new Haggling(host, options, true);
    next.#haggling.clientFlags = clientFlags;
    next.#spent = this.#spent;
    next.#phase = 'header';
    return next;
  }

  #progress(start: number, at: number, end: number): HandshakeProgress<E> {
    const haggling = this.#haggling;
    if (haggling.end?.state === 'starttls' && at < end) {
      haggling.takeOutput();
      haggling.close('bytes behind STARTTLS that were not encrypted');
    }
    const output = concat(haggling.takeOutput());
    const state = haggling.end ?? HAGGLING;
    const consumed = (state.state === 'closed' ? end : at) - start;
    return { ...state, consumed, output };
  }

  #need(): number {
    if (this.#phase === 'flags') return CLIENT_FLAGS_BYTES;
    return this.#phase === 'header' ? OPTION_BYTES : this.#left;
  }

  #take(piece: Uint8Array, more: boolean): void {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    if (this.#phase === 'flags') return this.#takeClientFlags(view.getUint32(0));
    if (this.#phase === 'data') return this.#answer(piece, more);
    this.#takeHeader(view);
  }

  #takeClientFlags(flags: number): void {
    const known = ClientFlag.FIXED_NEWSTYLE | ClientFlag.NO_ZEROES;
    if ((flags & ~known) !== 0)
      this.#haggling.close(`unknown client flags 0x${flags.toString(16)}`);
    this.#haggling.clientFlags = flags;
    this.#phase = 'header';
  }

  #takeHeader(view: DataView): void {
    if (view.getUint32(0) !== IHAVEOPT_HIGH || view.getUint32(4) !== IHAVEOPT_LOW) {
      return this.#haggling.close('bytes that are not an option (wrong magic)');
    }
    const length = view.getUint32(12);
    if (length > limits.optionBytesDrained.max) {
      return this.#haggling.close(`an option of ${length} bytes`);
    }
    const spent = this.#spent;
    spent.bytes += OPTION_BYTES + length;
    spent.options++;
    if (isOverspent(spent)) {
      // Rare, because it counts the exports: only if the last count does not suffice.
      Object.assign(spent, allowance(count(this.#haggling.host.list())));
      if (isOverspent(spent)) return this.#haggling.close('too much haggling');
    }
    this.#option = view.getUint32(8);
    this.#left = length;
    this.#phase = length > limits.optionBytes.max ? 'drain' : 'data';
  }

  /** @param more something of the client's came with the option, so before its answer. */
  #answer(data: Uint8Array | undefined, more: boolean): void {
    const haggling = this.#haggling;
    this.#phase = 'header';
    answerOption(haggling, this.#option, data);
    const goesOn = haggling.end === undefined || haggling.end.state === 'transmission';
    if (more && goesOn) haggling.options.onFault('pipelined-option');
  }
}

/** It grows with the exports: an honest client asks for each export in the list. */
function allowance(exports: number): Pick<Spent, 'bytesMax' | 'optionsMax'> {
  return {
    bytesMax: limits.bytesInAll.max + exports * limits.bytesPerExport.max,
    optionsMax: limits.options.max + exports * limits.optionsPerExport.max,
  };
}

function isOverspent({ bytes, bytesMax, options, optionsMax }: Spent): boolean {
  return bytes > bytesMax || options > optionsMax;
}

function count(all: Iterable<unknown>): number {
  let found = 0;
  for (const _ of all) found++;
  return found;
}
