/** The verifier of one connection: takes replies out of the bytes that came, each to its request, and checks
 *  form and data. It shares nothing with the daemon's encoder but the protocol's numbers.
 *  Source: nbd-protocol.md sections 3.5 to 3.7. */

import {
  ChunkType,
  Command,
  CommandFlag,
  EXTENDED_REPLY_MAGIC,
  nbdErrorNumbers,
  type ReplyForm,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from 'nbd-server-protocol-ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Operation } from './operation.ts';
import type { Queue } from './wire.ts';

const errors: ReadonlySet<number> = new Set(Object.values(nbdErrorNumbers));
const SIMPLE_BYTES = 16;
const STRUCTURED_BYTES = 20;
const EXTENDED_BYTES = 32;
const CHUNK_MAX = 65 << 20;
const HIGH = 2 ** 32;

export interface Requester {
  readonly operations: readonly Operation[];
  /** The last reply to `operation` has come. */
  answered(operation: Operation): void;
}

/** Of whatever payload is looked at; of no simulation alone, since a large one takes time to make. */
let scratch = new Uint8Array(4096);
let scratchWords = new Uint32Array(scratch.buffer);

export class Replies {
  readonly #form: ReplyForm;
  readonly #device: SimDevice;
  readonly #contexts: ReadonlyMap<number, string>;
  readonly #requester: Requester;

  constructor(
    form: ReplyForm,
    device: SimDevice,
    contexts: ReadonlyMap<number, string>,
    requester: Requester,
  ) {
    this.#form = form;
    this.#device = device;
    this.#contexts = contexts;
    this.#requester = requester;
  }

  /** Takes one reply or chunk out of the first `length` bytes of `down`.
   *  @returns its bytes; 0: it is not there whole. @throws Found. */
  takeOne(down: Queue, length: number): number {
    if (length < 4) return 0;
    const { view, head } = down;
    const magic = view.getUint32(head);
    if (magic === SIMPLE_REPLY_MAGIC && this.#form !== 'extended') {
      return length < SIMPLE_BYTES ? 0 : this.#simple(down, length);
    }
    if (magic === STRUCTURED_REPLY_MAGIC && this.#form === 'structured') {
      return length < STRUCTURED_BYTES ? 0 : this.#chunk(down, length, STRUCTURED_BYTES);
    }
    if (magic === EXTENDED_REPLY_MAGIC && this.#form === 'extended') {
      return length < EXTENDED_BYTES ? 0 : this.#chunk(down, length, EXTENDED_BYTES);
    }
    throw new Found('reply', `${this.#form} replies, but the magic ${magic.toString(16)}`);
  }

  #find(high: number, low: number): Operation {
    const operation = this.#requester.operations[low & 0xffff];
    const known = operation?.active === true;
    if (known && operation.cookieLow === low && operation.cookieHigh === high) return operation;
    throw new Found('reply', `a reply to nobody: cookie ${high.toString(16)} ${low.toString(16)}`);
  }

  #simple(down: Queue, length: number): number {
    const { view, head } = down;
    const error = view.getUint32(head + 4);
    const one = this.#find(view.getUint32(head + 8), view.getUint32(head + 12));
    const inChunks = one.command === Command.READ || one.command === Command.BLOCK_STATUS;
    if (this.#form === 'structured' && inChunks) this.#wrong(one, 'a simple reply');
    if (error !== 0) this.#failed(one, error);
    const data = one.command === Command.READ && error === 0 ? one.length : 0;
    if (length < SIMPLE_BYTES + data) {
      one.gotError = 0;
      return 0;
    }
    if (data > 0) this.#data(one, down, head + SIMPLE_BYTES, one.offset, data);
    this.#finish(one);
    return SIMPLE_BYTES + data;
  }

  #chunk(down: Queue, length: number, headBytes: number): number {
    const { view, head } = down;
    const extended = headBytes === EXTENDED_BYTES;
    const flags = view.getUint16(head + 4);
    const type = view.getUint16(head + 6);
    const one = this.#find(view.getUint32(head + 8), view.getUint32(head + 12));
    const high = extended ? view.getUint32(head + 24) : 0;
    const payload = view.getUint32(head + (extended ? 28 : 16));
    if (high !== 0 || payload > CHUNK_MAX) this.#wrong(one, `a chunk of ${high} ${payload} bytes`);
    if (extended) {
      const offset = view.getUint32(head + 16) * HIGH + view.getUint32(head + 20);
      if (offset !== one.offset) this.#wrong(one, `a chunk with the offset ${offset}`);
    }
    if (flags > 1) this.#wrong(one, `chunk flags ${flags}`);
    if (length < headBytes + payload) return 0;
    this.#payload(one, down, type, head + headBytes, payload);
    if (flags === 1) this.#finish(one);
    return headBytes + payload;
  }

  #payload(one: Operation, down: Queue, type: number, at: number, bytes: number): void {
    const { view } = down;
    one.chunks++;
    switch (type) {
      case ChunkType.NONE:
        if (bytes !== 0) this.#wrong(one, 'a NONE chunk with a payload');
        return;
      case ChunkType.OFFSET_DATA: {
        if (bytes <= 8) this.#wrong(one, 'a data chunk without data');
        const from = view.getUint32(at) * HIGH + view.getUint32(at + 4);
        return this.#data(one, down, at + 8, from, bytes - 8);
      }
      case ChunkType.OFFSET_HOLE: {
        if (bytes !== 12) this.#wrong(one, `a hole chunk of ${bytes} bytes`);
        const from = view.getUint32(at) * HIGH + view.getUint32(at + 4);
        return this.#hole(one, from, view.getUint32(at + 8));
      }
      case ChunkType.BLOCK_STATUS:
      case ChunkType.BLOCK_STATUS_EXT:
        return this.#status(one, down, type, at, bytes);
      case ChunkType.ERROR:
      case ChunkType.ERROR_OFFSET: {
        const rest = type === ChunkType.ERROR_OFFSET ? 8 : 0;
        if (bytes < 6 || bytes !== 6 + view.getUint16(at + 4) + rest) {
          this.#wrong(one, 'an error chunk of a wrong length');
        }
        return this.#failed(one, view.getUint32(at));
      }
      default:
        return this.#wrong(one, `an unknown chunk ${type}`);
    }
  }

  #data(one: Operation, down: Queue, at: number, from: number, bytes: number): void {
    this.#cover(one, from, bytes);
    if (one.error !== 0 || this.#isUnsure(one)) return;
    const { model, plan } = this.#device;
    const { cellBytes, base } = plan;
    const first = Math.ceil((from - base) / cellBytes);
    const end = Math.floor((from - base + bytes) / cellBytes);
    if (end <= first) return;
    const start = at + first * cellBytes - (from - base);
    const thenAt = first - one.first;
    const learn = one.epoch === this.#device.epoch;
    if (start % 4 === 0) {
      model.check(down.words, start / 4, first, end, one.lowerThen, thenAt, learn);
      return;
    }
    const length = (end - first) * cellBytes;
    if (length > scratch.length) {
      scratch = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      scratchWords = new Uint32Array(scratch.buffer);
    }
    scratch.set(down.bytes.subarray(start, start + length));
    model.check(scratchWords, 0, first, end, one.lowerThen, thenAt, learn);
  }

  #hole(one: Operation, from: number, bytes: number): void {
    this.#cover(one, from, bytes);
    if (this.#isUnsure(one)) return;
    const { model, plan } = this.#device;
    const first = Math.ceil((from - plan.base) / plan.cellBytes);
    const end = Math.floor((from - plan.base + bytes) / plan.cellBytes);
    if (end > first) model.checkZeros(first, end, one.lowerThen, first - one.first);
  }

  /** A rule or a rollback may have changed what it reads. */
  #isUnsure({ offset, length, tick, rollbacks }: Operation): boolean {
    return !this.#device.isInOrder(rollbacks) || this.#device.mayBeRuled(offset, length, tick);
  }

  #cover(one: Operation, from: number, bytes: number): void {
    if (one.command !== Command.READ) this.#wrong(one, 'data for no read');
    if (bytes === 0 || from < one.offset || from + bytes > one.offset + one.length) {
      this.#wrong(one, `data at ${from}+${bytes}`);
    }
    for (let at = 0; at < one.starts.length; at++) {
      if (from < (one.ends[at] ?? 0) && from + bytes > (one.starts[at] ?? 0)) {
        this.#wrong(one, `${from}+${bytes} came twice`);
      }
    }
    if (bytes < one.length) {
      one.starts.push(from);
      one.ends.push(from + bytes);
    }
    one.covered += bytes;
  }

  #status(one: Operation, down: Queue, type: number, at: number, bytes: number): void {
    const { view } = down;
    if (one.command !== Command.BLOCK_STATUS) this.#wrong(one, 'a status for no BLOCK_STATUS');
    const wide = type === ChunkType.BLOCK_STATUS_EXT;
    if (wide !== (this.#form === 'extended')) this.#wrong(one, 'a status chunk of the other form');
    const [headBytes, each] = wide ? [8, 16] : [4, 8];
    const count = (bytes - headBytes) / each;
    if (!Number.isInteger(count) || count < 1) this.#wrong(one, 'a status of a wrong length');
    if (wide && view.getUint32(at + 4) !== count) this.#wrong(one, 'a status that counts wrong');
    const context = this.#contexts.get(view.getUint32(at));
    if (context === undefined) this.#wrong(one, 'a context that was not selected');
    let from = one.offset;
    for (let n = 0; n < count; n++) {
      const place = at + headBytes + n * each;
      const length = wide
        ? view.getUint32(place) * HIGH + view.getUint32(place + 4)
        : view.getUint32(place);
      const flags = wide ? view.getUint32(place + 12) : view.getUint32(place + 4);
      if (length === 0) this.#wrong(one, 'an empty extent');
      if (from >= one.offset + one.length) this.#wrong(one, 'an extent behind the range');
      if (context === 'base:allocation') this.#allocation(one, from, length, flags);
      from += length;
    }
    if (from > this.#device.sizeBytes) this.#wrong(one, 'extents beyond the export');
    const single = (one.flags & CommandFlag.REQ_ONE) !== 0;
    if (single && (count !== 1 || from > one.offset + one.length)) {
      this.#wrong(one, 'more than the one extent');
    }
    one.statuses++;
  }

  /** What is told to be zeros must have been able to be. */
  #allocation(one: Operation, from: number, length: number, flags: number): void {
    if (flags > 3) this.#wrong(one, `allocation flags ${flags}`);
    if ((flags & 2) === 0 || !this.#device.isInOrder(one.rollbacks)) return;
    const { model, plan } = this.#device;
    const first = Math.max(one.first, Math.ceil((from - plan.base) / plan.cellBytes));
    const end = Math.min(one.end, Math.floor((from - plan.base + length) / plan.cellBytes));
    for (let cell = first; cell < end; cell++) {
      if (model.mayBeZeros(cell, one.lowerThen[cell - one.first] ?? 0)) continue;
      throw new Found(
        'data',
        `${one.describe()}: cell ${cell} is told to be zeros, but was written`,
      );
    }
  }

  #failed(one: Operation, error: number): void {
    if (!errors.has(error)) this.#wrong(one, `the error ${error}`);
    if (one.gotError === 0) one.gotError = error;
  }

  #finish(one: Operation): void {
    if (one.gotError === 0 && one.command === Command.READ) {
      if (one.covered !== one.length) this.#wrong(one, `${one.covered} bytes came`);
      const whole = (one.flags & CommandFlag.DF) !== 0;
      if (whole && one.starts.length > 1) this.#wrong(one, 'DF, but several chunks');
    }
    if (one.gotError === 0 && one.command === Command.BLOCK_STATUS) {
      if (one.statuses !== this.#contexts.size) this.#wrong(one, `${one.statuses} statuses`);
    }
    this.#requester.answered(one);
  }

  #wrong(one: Operation, what: string): never {
    throw new Found('reply', `${what}: ${one.describe()}`);
  }
}
