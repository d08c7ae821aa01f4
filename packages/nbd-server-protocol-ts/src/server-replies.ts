/** Whole replies of a `ServerConnection`, written behind one another. Source: nbd-protocol.md section 3.1. */

import { ChunkFlag } from './constants.ts';
import { type Extent, extentsToTell } from './extents.ts';
import type { Outgoing } from './outgoing.ts';
import { ReplyEncoder, type ReplyForm } from './reply-encoder.ts';
import type { RequestHeader } from './request.ts';
import type { ReadPart } from './server-options.ts';
import { encodeUtf8, utf8Prefix } from './text.ts';

/** The longest head of a chunk, and what is fixed behind it. */
const HEAD_MAX = 64;

export class ServerReplies {
  readonly #encoder: ReplyEncoder;
  readonly #out: Outgoing;

  constructor(form: ReplyForm, out: Outgoing) {
    this.#encoder = new ReplyEncoder(form);
    this.#out = out;
  }

  done(to: RequestHeader): void {
    const out = this.#out;
    out.reserve(HEAD_MAX);
    out.at += this.#encoder.done(out.view, out.at, to);
  }

  error(to: RequestHeader, errno: number, text: string): void {
    const words = encodeUtf8(text);
    const out = this.#out;
    out.reserve(HEAD_MAX + utf8Prefix(words));
    out.at += this.#encoder.error(out.view, out.bytes, out.at, to, errno, words);
  }

  /** The answer to a READ. @returns false: its length is wrong, and nothing was written. */
  data(to: RequestHeader, given: Uint8Array | readonly ReadPart[], whole: boolean): boolean {
    if (isBytes(given)) {
      if (given.length !== to.length) return false;
      this.#head(to, 0, given.length, ChunkFlag.DONE);
      this.#out.append(given);
      return true;
    }
    const parts = given.filter((part) => lengthOf(part) !== 0);
    if (!parts.every((part) => Number.isSafeInteger(lengthOf(part)) && lengthOf(part) > 0)) {
      return false;
    }
    if (parts.reduce((sum, part) => sum + lengthOf(part), 0) !== to.length) return false;
    if (whole || this.#encoder.form === 'simple') this.#inOnePiece(to, parts);
    else this.#inChunks(to, parts);
    return true;
  }

  /** One chunk for each context. @returns false: one of them has nothing to report, and nothing was written.
   *  @param to its length is that of the range. @param most bytes up to which extents may go. */
  statuses(
    to: RequestHeader,
    contexts: readonly { readonly id: number; readonly extents: readonly Extent[] }[],
    most: number,
    single: boolean,
  ): boolean {
    const { extentMax } = this.#encoder;
    const all: { id: number; extents: readonly Required<Extent>[] }[] = [];
    for (const { id, extents } of contexts) {
      const told = extentsToTell(extents, to.length, most, extentMax, single);
      if (told === undefined) return false;
      all.push({ id, extents: told });
    }
    for (const [at, { id, extents }] of all.entries()) {
      const last = at === all.length - 1 ? ChunkFlag.DONE : 0;
      this.#status(to, last, id, extents);
    }
    return true;
  }

  #status(
    to: RequestHeader,
    flags: number,
    id: number,
    extents: readonly Required<Extent>[],
  ): void {
    const encoder = this.#encoder;
    const out = this.#out;
    out.reserve(encoder.statusHeadBytes + extents.length * encoder.extentBytes);
    out.at += encoder.status(out.view, out.at, flags, to, id, extents.length);
    for (const { length, flags: low, flagsHigh } of extents) {
      out.at += encoder.extent(out.view, out.at, length, flagsHigh, low);
    }
  }

  #inOnePiece(to: RequestHeader, parts: readonly ReadPart[]): void {
    const out = this.#out;
    this.#head(to, 0, to.length, ChunkFlag.DONE);
    for (const part of parts) {
      if (isBytes(part)) out.append(part);
      else out.appendZeros(part.zeros);
    }
  }

  #inChunks(to: RequestHeader, parts: readonly ReadPart[]): void {
    const out = this.#out;
    let delta = 0;
    for (const part of parts) {
      const length = lengthOf(part);
      const last = delta + length === to.length ? ChunkFlag.DONE : 0;
      if (isBytes(part)) {
        this.#head(to, delta, length, last);
        out.append(part);
      } else {
        out.reserve(HEAD_MAX);
        out.at += this.#encoder.hole(out.view, out.at, last, to, delta, length);
      }
      delta += length;
    }
  }

  /** Makes room for the data too, so that both go in one piece. */
  #head(to: RequestHeader, delta: number, length: number, flags: number): void {
    const out = this.#out;
    out.reserve(HEAD_MAX + length);
    out.at += this.#encoder.data(out.view, out.at, flags, to, delta, length);
  }
}

function lengthOf(part: ReadPart): number {
  return isBytes(part) ? part.length : part.zeros;
}

/** Not instanceof: bytes may come from another realm. */
function isBytes(given: Uint8Array | object): given is Uint8Array {
  return 'byteLength' in given;
}
