/** One connection's replies on their way out: small ones gathered in a buffer, large reads as views
 *  of pages, all sent with one gathered write per turn. Knows the wire, not the requests. */

import { ChunkFlag, type ReplyAddress, ReplyEncoder, type ReplyForm } from 'nbd-server-protocol-ts';
import type { ExtentList } from '../export/block-status.ts';
import type { ReplySink, ViewHolder, WireFault } from '../export/reply-sink.ts';
import { zeroView } from '../pages/pin.ts';
import type { PageViews } from '../pages/views.ts';
import { bug } from '../units.ts';
import type { BufferPool, PooledBuffer } from './buffer-pool.ts';
import type { ByteDrain } from './byte-stream.ts';
import { ERROR_TEXT_MAX, errorText } from './error-text.ts';
import { limits } from './limits.ts';
import { Parts } from './parts.ts';
import { Retained } from './retained.ts';
import type { Turn } from './turn.ts';
import { type ChangedReply, WireReply } from './wire-reply.ts';
import { changesConnection, type TappedConnection, WireTap } from './wire-tap.ts';

/** An extended ERROR_OFFSET chunk: 32 + 4 + 2, a text, 8. */
const ERROR_CHUNK_MAX = 46 + ERROR_TEXT_MAX;
const { DONE } = ChunkFlag;

/** A reply that is sent after so many later ones. */
interface LateReply {
  readonly reply: ChangedReply;
  left: number;
}

export class Output implements ReplySink {
  readonly #turn: Turn;
  readonly #pool: BufferPool;
  #drain: ByteDrain;
  readonly #connection: TappedConnection;
  /** Set once a connection has misbehaved. */
  #tap: WireTap | undefined;
  /** Replies that are sent after later ones. Undefined: none is counted. */
  #later: LateReply[] | undefined;
  #encoder = new ReplyEncoder('simple');
  #inChunks = false;
  /** Bytes of a read's data in one chunk at most. */
  #dataMax = 0;
  onHanded: (() => void) | undefined = undefined;
  /** Set by the turn: we are on its list. */
  listed = false;
  #chunk: PooledBuffer;
  /** [sentUpTo, used) of the chunk is not in `#parts` yet. */
  #taken = 0;
  #used = 0;
  #open = 0;
  readonly #parts = new Parts();
  /** What the next write consists of, and what the current one does. */
  #retained = new Retained();
  #retainedBySending = new Retained();
  #queuedBytes = 0;
  #sendingBytes = 0;
  #sending = false;
  #closed = false;
  /** There was no memory for replies, and some are missing. */
  #lost = false;

  constructor(turn: Turn, pool: BufferPool, chunk: PooledBuffer, drain: TappedConnection) {
    this.#turn = turn;
    this.#pool = pool;
    this.#drain = this.#connection = drain;
    this.#chunk = chunk;
  }

  /** The form of replies from now on, as the handshake ended.
   *  @param dataMax the longest payload that the client was told of, in bytes. */
  agree(form: ReplyForm, dataMax: number): void {
    this.#encoder = new ReplyEncoder(form);
    this.#inChunks = form !== 'simple';
    this.#dataMax = dataMax;
  }

  get readBuffer(): Uint8Array {
    return this.#chunk.bytes;
  }

  get mayRetain(): boolean {
    const retained = this.#retained.replies + this.#retainedBySending.replies;
    return retained < limits.retainedReplies.max;
  }

  /** True: the client is behind with reading; take no more requests of it. */
  get backlogged(): boolean {
    return this.#queuedBytes + this.#sendingBytes >= limits.outputBacklog.max;
  }

  /** The socket took everything, and nothing is kept for later. */
  get empty(): boolean {
    const isSent = !this.#sending && this.#parts.count === 0 && this.#used === this.#taken;
    return isSent && this.#later === undefined;
  }

  ok(to: ReplyAddress): void {
    const encoder = this.#encoder;
    this.#reserve(encoder.headerBytes);
    this.#commit(encoder.done(this.#chunk.view, this.#used, to));
    if (this.#later !== undefined) this.#replied();
  }

  error(to: ReplyAddress, error: number, text: string, delta: number): void {
    this.#reserve(ERROR_CHUNK_MAX);
    const { view, bytes } = this.#chunk;
    const at = this.#used;
    const words = errorText(text);
    this.#commit(
      delta < 0
        ? this.#encoder.error(view, bytes, at, to, error, words)
        : this.#encoder.errorAt(view, bytes, at, DONE, to, error, words, delta),
    );
    if (this.#later !== undefined) this.#replied();
  }

  openRead(to: ReplyAddress, length: number): number {
    if (this.#open !== 0) bug('a reply was begun inside another');
    const encoder = this.#encoder;
    this.#reserve(encoder.dataHeadBytes + length);
    const head = encoder.data(this.#chunk.view, this.#used, DONE, to, 0, length);
    this.#open = head + length;
    return this.#used + head;
  }

  commitRead(): void {
    this.#commit(this.#open);
    this.#open = 0;
    if (this.#later !== undefined) this.#replied();
  }

  cancelRead(): void {
    this.#open = 0;
  }

  sendViews(to: ReplyAddress, views: PageViews, whole: boolean, holder: ViewHolder): void {
    if (this.#closed) return holder.viewsSent();
    if (whole || !this.#inChunks) {
      this.#sendData(to, views, 0, views.count, 0, views.bytes, views.bytes);
    } else {
      this.#sendRuns(to, views);
    }
    this.#retained.holders.push(holder);
    if (this.#later !== undefined) this.#replied();
  }

  status(to: ReplyAddress, contextId: number, extents: ExtentList, last: boolean): void {
    const encoder = this.#encoder;
    const { count, lengths, highs, lows } = extents;
    this.#reserve(encoder.statusHeadBytes);
    const { view } = this.#chunk;
    this.#commit(encoder.status(view, this.#used, last ? DONE : 0, to, contextId, count));
    for (let at = 0; at < count; at++) {
      this.#reserve(encoder.extentBytes);
      const [length = 0, high = 0, low = 0] = [lengths[at], highs[at], lows[at]];
      const rest = at === count - 1 ? extents.rest : 0;
      this.#commit(encoder.extent(this.#chunk.view, this.#used, length, high, low, rest));
    }
  }

  through(fault: WireFault): ReplySink {
    return new WireReply(this.#encoder, fault, (of, reply) => this.#misbehave(of, reply));
  }

  /** From now on everything that is sent passes a tap. */
  get tap(): WireTap {
    this.#tap ??= new WireTap(this.#connection, () => this.sent(), this.#sending);
    this.#drain = this.#tap;
    return this.#tap;
  }

  /** The place behind everything so far, for a tap. */
  get end(): number {
    return this.tap.accepted + this.#queuedBytes;
  }

  /** True when everything before `place` passed the tap. */
  hasSent(place: number): boolean {
    return this.#tap !== undefined && this.#tap.passed >= place;
  }

  /** From now on bytes flow normally. */
  endDrip(): void {
    this.tap.endDrip(this.end);
  }

  /** Nothing is in flight that a late reply could wait for. */
  sendLate(): void {
    const late = this.#later;
    this.#later = undefined;
    if (late !== undefined) for (const { reply } of late) this.#whole(reply);
  }

  /** Bytes that are ready to send: replies of the handshake. */
  raw(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    this.#cut();
    this.#parts.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#turn.unsent(this);
  }

  /** Sends what is there, unless the socket still has the previous write. Called once per turn. */
  flush(): void {
    if (this.#sending || this.#closed || this.#lost) return;
    if (this.#parts.count === 0) {
      if (this.#used === this.#taken) return;
      if (this.#retained.empty && this.#sendNow()) return;
    }
    const parts = this.#parts.take(this.#chunk.bytes, this.#taken, this.#used);
    this.#taken = this.#used;
    const retained = this.#retained;
    this.#retained = this.#retainedBySending;
    this.#retainedBySending = retained;
    this.#sendingBytes = this.#queuedBytes;
    this.#queuedBytes = 0;
    this.#sending = true;
    const all = this.#drain.write(parts);
    this.onHanded?.();
    // A chunk that is still being sent cannot be written again from its start.
    if (all) this.sent();
    else this.#nextChunk(retained);
  }

  /** Only short replies, which is all that most turns have. @returns true: they are sent. */
  #sendNow(): boolean {
    const taken = this.#drain.writeNow(this.#chunk.bytes, this.#taken, this.#used);
    this.#taken += taken;
    this.#queuedBytes -= taken;
    if (this.#taken < this.#used) return false;
    this.#taken = this.#used = 0;
    this.onHanded?.();
    this.#drain.drained();
    return true;
  }

  /** The socket has taken the write before. */
  written(): void {
    if (this.#tap === undefined) this.sent();
    else this.#tap.sent();
  }

  /** The socket took the last write, or never will. */
  sent(): void {
    if (!this.#sending) return;
    this.#sending = false;
    this.#sendingBytes = 0;
    this.#retainedBySending.release(this.#pool);
    if (this.#parts.count === 0 && this.#taken === this.#used) this.#taken = this.#used = 0;
    if (this.empty) this.#drain.drained();
    else this.#turn.unsent(this);
  }

  /** The connection is gone: nothing is sent any more, and every page goes back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sending = false;
    this.#tap?.close();
    for (const { reply } of this.#later ?? []) reply.views?.release();
    this.#later = undefined;
    this.#parts.clear();
    this.#queuedBytes = this.#sendingBytes = 0;
    this.#taken = this.#used = 0;
    // Commands that end from now on reply into the void.
    this.#retained.chunks.push(this.#chunk);
    this.#chunk = this.#pool.void;
    this.#retainedBySending.release(this.#pool);
    this.#retained.release(this.#pool);
  }

  /** Views of zeros become holes, with neighbours joined; all others become chunks of data. */
  #sendRuns(to: ReplyAddress, views: PageViews): void {
    let delta = 0;
    for (let first = 0; first < views.count; ) {
      const hole = views.buffers[first] === zeroView;
      let end = first;
      let length = 0;
      for (; end < views.count && (views.buffers[end] === zeroView) === hole; end++) {
        length += (views.ends[end] ?? 0) - (views.starts[end] ?? 0);
      }
      if (hole) this.#sendHole(to, delta, length, end === views.count);
      else this.#sendData(to, views, first, end, delta, length, this.#dataMax);
      delta += length;
      first = end;
    }
  }

  #sendHole(to: ReplyAddress, delta: number, length: number, last: boolean): void {
    const encoder = this.#encoder;
    this.#reserve(encoder.headerBytes + 12);
    this.#commit(encoder.hole(this.#chunk.view, this.#used, last ? DONE : 0, to, delta, length));
  }

  /** The views [first, end) of `length` bytes, in chunks of at most `most`. */
  #sendData(
    to: ReplyAddress,
    views: PageViews,
    first: number,
    end: number,
    delta: number,
    length: number,
    most: number,
  ): void {
    let done = 0;
    let chunkEnd = 0;
    for (let at = first; at < end; at++) {
      const buffer = views.buffers[at] ?? bug(`no view ${at}`);
      const stop = views.ends[at] ?? 0;
      for (let from = views.starts[at] ?? 0; from < stop; ) {
        if (done === chunkEnd) {
          chunkEnd = Math.min(length, done + most);
          const last = chunkEnd === length && end === views.count;
          this.#dataHead(to, last ? DONE : 0, delta + done, chunkEnd - done);
        }
        const next = Math.min(stop, from + chunkEnd - done);
        this.#parts.push(buffer.subarray(from, next));
        done += next - from;
        from = next;
      }
    }
    this.#queuedBytes += length;
  }

  /** The header of data that are parts of their own. */
  #dataHead(to: ReplyAddress, flags: number, delta: number, length: number): void {
    const encoder = this.#encoder;
    this.#reserve(encoder.dataHeadBytes);
    this.#commit(encoder.data(this.#chunk.view, this.#used, flags, to, delta, length));
    this.#cut();
  }

  #misbehave(fault: WireFault, reply: ChangedReply): void {
    const { wire } = fault;
    if (this.#closed) return reply.views?.release();
    if (wire.form === 'reorder') {
      this.#later ??= [];
      this.#later.push({ reply, left: wire.replies });
      return;
    }
    const length = reply.parts.reduce((sum, part) => sum + part.length, 0);
    const isSent = !changesConnection(wire) || this.tap.plan(fault, this.end, length);
    if (isSent) this.#whole(reply);
    else reply.views?.release();
    if (this.#later !== undefined) this.#replied();
  }

  #whole({ parts, views }: ChangedReply): void {
    for (const part of parts) this.raw(part);
    if (views === undefined) return;
    if (this.#closed) views.release();
    else this.#retained.holders.push({ viewsSent: () => views.release() });
  }

  /** One more reply has passed the late ones. */
  #replied(): void {
    const late = this.#later ?? [];
    this.#later = undefined; // what is sent now counts for no late reply
    for (const one of late) if (--one.left === 0) this.#whole(one.reply);
    const left = late.filter((one) => one.left > 0);
    this.#later = left.length > 0 ? left : undefined;
  }

  /** Makes room for `length` bytes in one piece. */
  #reserve(length: number): void {
    if (this.#used + length <= this.#chunk.bytes.length) return;
    this.#cut();
    this.#nextChunk(this.#retained);
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

  #nextChunk(by: Retained): void {
    by.chunks.push(this.#chunk);
    this.#taken = this.#used = 0;
    const next = this.#pool.take();
    this.#chunk = next ?? this.#pool.void;
    if (next !== undefined || this.#lost) return;
    this.#lost = true;
    this.#drain.cutOff('no memory for its replies');
  }
}
