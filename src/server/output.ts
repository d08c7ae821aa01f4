/** One connection's replies on their way out: small ones gathered in a buffer, large reads as views
 *  of pages, all sent with one gathered write per turn. Knows the wire, not the requests. */

import {
  CHUNK_BYTES,
  ChunkFlag,
  ChunkType,
  encodeChunk,
  encodeErrorChunk,
  encodeOffsetData,
  encodeSimpleReply,
  OFFSET_DATA_BYTES,
  SIMPLE_REPLY_BYTES,
} from 'nbd-server-protocol-ts';
import type { ReplySink, ViewHolder } from '../export/reply-sink.ts';
import type { PageViews } from '../pages/views.ts';
import { bug } from '../units.ts';
import type { ChunkPool, OutputChunk } from './chunk-pool.ts';
import { limits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Takes bytes to the client. `sent` is called once they need not stay any longer. */
export interface ByteDrain {
  /** @returns true when all was taken at once; else `sent` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Nothing is left to send. */
  drained(): void;
}

/** A text of ours, which is never longer than this. */
const ERROR_TEXT_MAX = 480;
/** An ERROR chunk: 20 + 4 + 2 and a text. */
const ERROR_CHUNK_MAX = 512;

const utf8 = new TextEncoder();
const texts = new Map<string, Uint8Array>();

/** Most texts come again and again: those are encoded once. Others name a sector or a zone. */
const TEXTS_KEPT = 256;

function encoded(text: string): Uint8Array {
  const kept = texts.get(text);
  if (kept !== undefined) return kept;
  const bytes = utf8.encode(text).subarray(0, ERROR_TEXT_MAX);
  if (texts.size < TEXTS_KEPT) texts.set(text, bytes);
  return bytes;
}

export class Output implements ReplySink {
  readonly #turn: Turn;
  readonly #pool: ChunkPool;
  readonly #drain: ByteDrain;
  #structured = false;
  #readHeaderBytes = SIMPLE_REPLY_BYTES;
  /** Set by the turn: we are on its list. */
  listed = false;
  #chunk: OutputChunk;
  /** [sentUpTo, used) of the chunk is not in `#parts` yet. */
  #taken = 0;
  #used = 0;
  #open = 0;
  #parts: Uint8Array[] = [];
  #fullChunks: OutputChunk[] = [];
  #holders: ViewHolder[] = [];
  #sendingChunks: OutputChunk[] = [];
  #sendingHolders: ViewHolder[] = [];
  #queuedBytes = 0;
  #sendingBytes = 0;
  #sending = false;
  #closed = false;

  constructor(turn: Turn, pool: ChunkPool, drain: ByteDrain) {
    this.#turn = turn;
    this.#pool = pool;
    this.#drain = drain;
    this.#chunk = pool.take();
  }

  /** The form of replies from now on, as the handshake ended. */
  agree(structured: boolean): void {
    this.#structured = structured;
    this.#readHeaderBytes = structured ? OFFSET_DATA_BYTES : SIMPLE_REPLY_BYTES;
  }

  get readBuffer(): Uint8Array {
    return this.#chunk.bytes;
  }

  get mayRetain(): boolean {
    return this.#holders.length + this.#sendingHolders.length < limits.retainedReplies.max;
  }

  /** True: the client is behind with reading; take no more requests of it. */
  get backlogged(): boolean {
    return this.#queuedBytes + this.#sendingBytes >= limits.outputBacklog.max;
  }

  /** Everything was taken by the socket. */
  get empty(): boolean {
    return !this.#sending && this.#parts.length === 0 && this.#used === this.#taken;
  }

  ok(cookieHigh: number, cookieLow: number): void {
    this.#reserve(CHUNK_BYTES);
    const { view } = this.#chunk;
    const length = this.#structured
      ? encodeChunk(view, this.#used, ChunkFlag.DONE, ChunkType.NONE, cookieHigh, cookieLow, 0)
      : encodeSimpleReply(view, this.#used, 0, cookieHigh, cookieLow);
    this.#commit(length);
  }

  error(cookieHigh: number, cookieLow: number, error: number, text: string): void {
    this.#reserve(ERROR_CHUNK_MAX);
    const { view, bytes } = this.#chunk;
    const length = this.#structured
      ? encodeErrorChunk(view, bytes, this.#used, cookieHigh, cookieLow, error, encoded(text))
      : encodeSimpleReply(view, this.#used, error, cookieHigh, cookieLow);
    this.#commit(length);
  }

  openRead(cookieHigh: number, cookieLow: number, offset: number, length: number): number {
    if (this.#open !== 0) bug('a reply was begun inside another');
    this.#reserve(OFFSET_DATA_BYTES + length);
    this.#readHeader(cookieHigh, cookieLow, offset, length);
    this.#open = this.#readHeaderBytes + length;
    return this.#used + this.#readHeaderBytes;
  }

  commitRead(): void {
    const length = this.#open;
    this.#open = 0;
    this.#commit(length);
  }

  cancelRead(): void {
    this.#open = 0;
  }

  sendViews(
    cookieHigh: number,
    cookieLow: number,
    offset: number,
    views: PageViews,
    holder: ViewHolder,
  ): void {
    if (this.#closed) {
      holder.viewsSent();
      return;
    }
    this.#reserve(OFFSET_DATA_BYTES);
    this.#readHeader(cookieHigh, cookieLow, offset, views.bytes);
    this.#commit(this.#readHeaderBytes);
    this.#cut();
    for (let at = 0; at < views.count; at++) {
      const buffer = views.buffers[at] ?? bug(`no view ${at}`);
      this.#parts.push(buffer.subarray(views.starts[at], views.ends[at]));
    }
    this.#queuedBytes += views.bytes;
    this.#holders.push(holder);
  }

  /** Bytes that are ready as they are: replies of the handshake. */
  raw(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    this.#cut();
    this.#parts.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#turn.unsent(this);
  }

  /** Sends what is there, unless the socket still has the write before. Called once per turn. */
  flush(): void {
    if (this.#sending || this.#closed) return;
    this.#cut();
    if (this.#parts.length === 0) return;
    const parts = this.#parts;
    const chunks = this.#fullChunks;
    const holders = this.#holders;
    this.#parts = [];
    this.#fullChunks = this.#sendingChunks;
    this.#holders = this.#sendingHolders;
    this.#sendingChunks = chunks;
    this.#sendingHolders = holders;
    this.#sendingBytes = this.#queuedBytes;
    this.#queuedBytes = 0;
    this.#sending = true;
    const all = this.#drain.write(parts);
    // A chunk that is still being sent cannot be written to from the start again.
    if (all) this.sent();
    else this.#nextChunk(this.#sendingChunks);
  }

  /** The socket has taken the last write, or will never. */
  sent(): void {
    if (!this.#sending) return;
    this.#sending = false;
    this.#sendingBytes = 0;
    this.#recycle(this.#sendingChunks, this.#sendingHolders);
    if (this.#parts.length === 0 && this.#taken === this.#used) this.#taken = this.#used = 0;
    if (this.empty) this.#drain.drained();
    else this.#turn.unsent(this);
  }

  /** The connection is gone: nothing is sent any more, and every page goes back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sending = false;
    this.#parts = [];
    this.#queuedBytes = this.#sendingBytes = 0;
    this.#taken = this.#used = 0;
    this.#recycle(this.#sendingChunks, this.#sendingHolders);
    this.#recycle(this.#fullChunks, this.#holders);
  }

  #readHeader(cookieHigh: number, cookieLow: number, offset: number, length: number): void {
    const { view } = this.#chunk;
    if (this.#structured) {
      encodeOffsetData(view, this.#used, ChunkFlag.DONE, cookieHigh, cookieLow, offset, length);
    } else {
      encodeSimpleReply(view, this.#used, 0, cookieHigh, cookieLow);
    }
  }

  /** Makes room for `length` bytes in one piece. */
  #reserve(length: number): void {
    if (this.#used + length <= this.#chunk.bytes.length) return;
    this.#cut();
    this.#nextChunk(this.#fullChunks);
  }

  #commit(length: number): void {
    if (this.#closed) return;
    this.#used += length;
    this.#queuedBytes += length;
    this.#turn.unsent(this);
  }

  /** What was written into the chunk so far becomes a part of the next write. */
  #cut(): void {
    if (this.#used === this.#taken) return;
    this.#parts.push(this.#chunk.bytes.subarray(this.#taken, this.#used));
    this.#taken = this.#used;
  }

  #nextChunk(usedUp: OutputChunk[]): void {
    usedUp.push(this.#chunk);
    this.#chunk = this.#pool.take();
    this.#taken = this.#used = 0;
  }

  /** `holders` may end requests, which may add to other lists but not to these. */
  #recycle(chunks: OutputChunk[], holders: ViewHolder[]): void {
    for (const chunk of chunks) this.#pool.give(chunk);
    chunks.length = 0;
    for (const holder of holders) holder.viewsSent();
    holders.length = 0;
  }
}
