/** Whole replies as bytes of their own: the easy way, which allocates each of them. A fast server writes many
 *  into one buffer with `ReplyEncoder`. Source: nbd-protocol.md section 3.1. */

import { ChunkFlag } from './constants.ts';
import { ReplyEncoder, type ReplyForm } from './reply-encoder.ts';
import type { ReplyAddress } from './request.ts';
import { encodeUtf8 } from './text.ts';

/** The longest header of a chunk, and what is fixed behind it. */
const HEAD_MAX = 64;

/** Each method returns one whole reply in the agreed form. */
export class ReplyBytes {
  readonly #encoder: ReplyEncoder;

  constructor(form: ReplyForm) {
    this.#encoder = new ReplyEncoder(form);
  }

  /** The command succeeded without further data. */
  done(to: ReplyAddress): Uint8Array {
    const view = viewOf(HEAD_MAX);
    return bytesOf(view, this.#encoder.done(view, 0, to));
  }

  /** The command failed. A simple reply has no room for the text; one above 4096 bytes is cut. */
  error(to: ReplyAddress, error: number, text = ''): Uint8Array {
    const words = encodeUtf8(text);
    const view = viewOf(HEAD_MAX + words.length);
    const bytes = bytesOf(view, view.byteLength);
    return bytes.subarray(0, this.#encoder.error(view, bytes, 0, to, error, words));
  }

  /** All data of a READ, at least one byte. */
  data(to: ReplyAddress, data: Uint8Array): Uint8Array {
    const view = viewOf(HEAD_MAX + data.length);
    const head = this.#encoder.data(view, 0, ChunkFlag.DONE, to, 0, data.length);
    const bytes = bytesOf(view, head + data.length);
    bytes.set(data, head);
    return bytes;
  }
}

function viewOf(length: number): DataView {
  return new DataView(new ArrayBuffer(length));
}

function bytesOf(view: DataView, length: number): Uint8Array {
  return new Uint8Array(view.buffer, 0, length);
}
