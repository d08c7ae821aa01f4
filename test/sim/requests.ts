/** What a simulated client asks for: draws a request, says what must become of it, tells the model, and
 *  writes its bytes. Source: nbd-protocol.md sections 3.1 to 3.3. */

import {
  Command,
  CommandFlag,
  EXTENDED_REQUEST_MAGIC,
  NbdError,
  REQUEST_MAGIC,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import type { Random } from '../fuzz/random.ts';
import type { SimDevice } from './device.ts';
import type { Operation } from './operation.ts';
import type { Feature } from './plan.ts';
import type { Queue } from './wire.ts';

/** What was agreed on. */
export interface Terms {
  readonly extended: boolean;
  /** Transmission flags. */
  readonly flags: number;
  /** Selected contexts. */
  readonly contexts: number;
  /** It has promised to keep to whole blocks. */
  readonly wholeBlocks: number;
}

const { FUA, DF, NO_HOLE, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;
const HIGH = 2 ** 32;
const KiB = 1024;
const READ_ALL_BYTES = 16 * KiB;

type Kind = 'read' | 'write' | 'trim' | 'zeroes' | 'flush' | 'cache' | 'status' | 'wrong';
/** How often each is asked for, beside the others that a run has. */
const weights: Readonly<Record<Kind, number>> = {
  read: 40,
  write: 40,
  trim: 6,
  zeroes: 7,
  flush: 3,
  cache: 1,
  status: 4,
  wrong: 3,
};

export class Requests {
  readonly #device: SimDevice;
  readonly #terms: Terms;
  readonly #random: Random;
  readonly #has: ReadonlySet<Feature>;
  readonly #kinds: Kind[] = [];
  #script: (readonly [number, number])[] | undefined;
  /** Cells around which most is asked for, so that requests meet. */
  readonly #spots: readonly number[];

  constructor(device: SimDevice, terms: Terms, random: Random, has: ReadonlySet<Feature>) {
    this.#device = device;
    this.#terms = terms;
    this.#random = random;
    this.#has = has;
    for (const [kind, weight] of Object.entries(weights) as [Kind, number][]) {
      if (has.has(kind)) for (let n = 0; n < weight; n++) this.#kinds.push(kind);
    }
    const { cells } = device.plan;
    this.#spots = [0, Math.floor(cells / 3), Math.floor(cells / 2)];
  }

  /** Begins `one` and appends its bytes to `up`. Its cookie has been set. */
  send(one: Operation, up: Queue): void {
    const next = this.#script?.shift();
    if (next === undefined) this.#draw(one);
    else this.#scripted(one, next);
    one.tick = this.#device.model.tick++;
    one.epoch = this.#device.epoch;
    one.rollbacks = this.#device.rollbacks;
    const moves = one.command === Command.READ || one.command === Command.WRITE;
    const bad = moves && one.error === 0 && this.#device.hitsBad(one.offset, one.length);
    one.badSince = bad ? this.#device.clears : -1;
    const payload = one.command === Command.WRITE ? one.length : 0;
    up.reserve(32 + payload + 4);
    this.#header(one, up);
    if (payload > 0) this.#payload(one, up, payload);
  }

  /** The end: without a payload, and without a reply. */
  goodbye(one: Operation, up: Queue): void {
    one.begin(Command.DISC, 0, 0, 0);
    up.reserve(36);
    this.#header(one, up);
  }

  /** How much of a script is left. */
  get left(): number {
    return this.#script?.length ?? 0;
  }

  /** Reads all that there is instead of what is drawn. */
  readAll(): void {
    const { base, cells, cellBytes } = this.#device.plan;
    const bytes = cells * cellBytes;
    this.#script = [];
    for (let at = 0; at < bytes; at += READ_ALL_BYTES) {
      this.#script.push([base + at, Math.min(READ_ALL_BYTES, bytes - at)]);
    }
  }

  #scripted(one: Operation, [offset, length]: readonly [number, number]): void {
    one.begin(Command.READ, 0, offset, length);
    this.#cells(one);
    one.remember(this.#device.model.lower);
  }

  #draw(one: Operation): void {
    const { model } = this.#device;
    switch (this.#random.pick(this.#kinds)) {
      case 'read':
        return this.#read(one);
      case 'write':
        if (this.#device.zoned) return this.#zoned(one, Command.WRITE);
        this.#range(one, Command.WRITE, this.#align());
        one.flags = this.#fua() | (this.#terms.extended ? PAYLOAD_LEN : 0);
        this.#cells(one);
        one.version = model.begin(one.first, one.end);
        return;
      case 'trim':
        if (this.#device.zoned) return this.#zoned(one, Command.TRIM);
        return this.#trim(one);
      case 'zeroes':
        if (this.#device.zoned) return this.#zoned(one, Command.WRITE_ZEROES);
        this.#range(one, Command.WRITE_ZEROES, this.#align());
        one.flags = this.#fua() | (this.#random.chance(0.4) ? NO_HOLE : 0) | this.#fast();
        this.#cells(one);
        one.begun = model.beginConstant('zeros', one.first, one.end);
        return;
      case 'flush':
        one.begin(Command.FLUSH, 0, 0, 0);
        if (this.#device.journal !== undefined) one.promisedThen = model.promised.slice();
        if (!this.#device.cached) return;
        one.end = model.cells;
        one.remember(model.lower);
        return;
      case 'cache':
        return this.#range(one, Command.CACHE, this.#terms.wholeBlocks);
      case 'status':
        return this.#status(one);
      case 'wrong':
        return this.#wrong(one);
    }
  }

  #read(one: Operation): void {
    const odd = this.#has.has('parts') && this.#terms.wholeBlocks === 1 && this.#random.chance(0.1);
    this.#range(one, Command.READ, odd ? 1 : this.#align());
    const dontCut =
      (this.#terms.flags & TransmissionFlag.SEND_DF) !== 0 && this.#random.chance(0.1);
    one.flags = dontCut ? DF : 0;
    this.#cells(one);
    one.remember(this.#device.model.lower);
  }

  #trim(one: Operation): void {
    this.#range(one, Command.TRIM, this.#align());
    one.flags = this.#fua();
    if ((this.#terms.flags & TransmissionFlag.SEND_TRIM) === 0) {
      one.error = NbdError.EINVAL;
      return;
    }
    // Only blocks that it covers whole.
    const { blockBytes, plan, model } = this.#device;
    const from = Math.ceil(one.offset / blockBytes) * blockBytes;
    const to = Math.floor((one.offset + one.length) / blockBytes) * blockBytes;
    one.first = (from - plan.base) / plan.cellBytes;
    one.end = Math.max(one.first, (to - plan.base) / plan.cellBytes);
    one.begun = model.beginConstant('zeros', one.first, one.end);
  }

  /** Writes at a zone's write pointer, resets one that is full, or writes any place of a conventional zone;
   *  where it may not, it reads. */
  #zoned(one: Operation, command: number): void {
    const { zones, leaving, blockBytes, model } = this.#device;
    if (zones === undefined || leaving.open) return this.#read(one);
    const { conventionalEnd, sequential } = zones;
    const moves = command !== Command.TRIM;
    const anywhere = conventionalEnd > 0 && moves && this.#random.chance(0.3);
    const zone = this.#random.pick(sequential);
    if (anywhere) {
      this.#range(one, command, blockBytes, conventionalEnd);
    } else {
      if (!zones.claim(zone, this, model.tick)) return this.#read(one);
      const full = zone.pointer >= zone.end;
      if (full !== (command === Command.TRIM) || (full && zone.busy > 0)) return this.#read(one);
      const most = Math.min(zone.end - zone.pointer, this.#random.skewed(64) * (blockBytes / 512));
      const end = full ? zone.last : zone.pointer + most;
      const first = full ? zone.first : zone.pointer;
      one.begin(command, 0, first * 512, (end - first) * 512);
      one.zone = zone;
      zone.busy++;
      zone.pointer = end;
      if (full) {
        zone.sure = false;
        one.makes = 'ones';
      }
    }
    if (command === Command.WRITE && this.#terms.extended) one.flags = PAYLOAD_LEN;
    this.#cells(one);
    if (command === Command.WRITE) one.version = model.begin(one.first, one.end);
    else one.begun = model.beginConstant(one.makes, one.first, one.end);
  }

  #status(one: Operation): void {
    this.#range(one, Command.BLOCK_STATUS, this.#align());
    if (this.#terms.contexts === 0) one.error = NbdError.EINVAL;
    one.flags = this.#random.chance(0.3) ? REQ_ONE : 0;
    this.#cells(one);
    one.remember(this.#device.model.lower);
  }

  /** What must be refused, with the error of which the protocol speaks. */
  #wrong(one: Operation): void {
    const { sizeBytes } = this.#device;
    const payload = this.#terms.extended ? PAYLOAD_LEN : 0;
    switch (this.#random.below(7)) {
      case 0:
        one.begin(Command.READ, 0, sizeBytes, 4096);
        break;
      case 1:
        one.begin(Command.WRITE, payload, sizeBytes - 512, 4096);
        one.error = NbdError.ENOSPC;
        return;
      case 2:
        one.begin(Command.READ, 0, 0, 0);
        break;
      case 3:
        one.begin(9 + this.#random.below(1000), 0, 0, 512);
        break;
      case 4:
        one.begin(Command.READ, 0x4000, 0, 512);
        break;
      case 5:
        one.begin(Command.FLUSH, 0, 512, 512);
        break;
      default:
        one.begin(Command.WRITE, payload | 0x8000, 0, 4096);
        break;
    }
    one.error = NbdError.EINVAL;
  }

  #fua(): number {
    const offered = (this.#terms.flags & TransmissionFlag.SEND_FUA) !== 0;
    return offered && this.#has.has('fua') && this.#random.chance(0.2) ? FUA : 0;
  }

  #fast(): number {
    const offered = (this.#terms.flags & TransmissionFlag.SEND_FAST_ZERO) !== 0;
    return offered && this.#random.chance(0.2) ? FAST_ZERO : 0;
  }

  /** In bytes: what a write's offset and length are multiples of. */
  #align(): number {
    const { plan, blockBytes } = this.#device;
    const whole = Math.max(plan.cellBytes, blockBytes);
    if (this.#terms.wholeBlocks > 1) return whole;
    return this.#has.has('parts') && this.#random.chance(0.3) ? plan.cellBytes : whole;
  }

  /** Any range inside of the device's part, of multiples of `align` bytes. */
  #range(one: Operation, command: number, align: number, cells = this.#device.plan.cells): void {
    const random = this.#random;
    const { base, cellBytes } = this.#device.plan;
    const bytes = cells * cellBytes;
    const units = Math.max(1, Math.floor(bytes / align));
    const most = Math.max(1, Math.floor(this.#lengthMax(command, bytes) / align));
    const few = align < 4096 ? 8 : 2;
    const count = Math.min(units, random.chance(0.5) ? 1 + random.below(few) : random.skewed(most));
    const near = random.pick(this.#spots) * cellBytes;
    const at = random.chance(0.6)
      ? Math.floor(near / align) + random.below(16)
      : random.below(units);
    const first = Math.min(at, units - count);
    // The part of a device may begin inside a block.
    const offset = Math.ceil(base / align) * align + first * align;
    const end = Math.min(offset + count * align, base + bytes);
    if (end <= offset) one.begin(command, 0, base, Math.min(bytes, this.#device.plan.cellBytes));
    else one.begin(command, 0, offset, end - offset);
  }

  #lengthMax(command: number, bytes: number): number {
    const data = command === Command.READ || command === Command.WRITE;
    if (!data && this.#has.has('wide') && this.#random.below(4) === 0) return bytes;
    if (!this.#has.has('long') || this.#random.below(50) > 0) return 16 * KiB;
    return this.#random.pick([64 * KiB, 256 * KiB, 1024 * KiB]);
  }

  #cells(one: Operation): void {
    const { base, cellBytes } = this.#device.plan;
    one.first = Math.ceil((one.offset - base) / cellBytes);
    one.end = Math.max(one.first, Math.floor((one.offset - base + one.length) / cellBytes));
  }

  #header(one: Operation, up: Queue): void {
    const { view } = up;
    const at = up.end;
    const { extended } = this.#terms;
    view.setUint32(at, extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC);
    view.setUint16(at + 4, one.flags);
    view.setUint16(at + 6, one.command);
    view.setUint32(at + 8, one.cookieHigh);
    view.setUint32(at + 12, one.cookieLow);
    view.setUint32(at + 16, Math.floor(one.offset / HIGH));
    view.setUint32(at + 20, one.offset % HIGH);
    if (extended) {
      view.setUint32(at + 24, 0);
      view.setUint32(at + 28, one.length);
    } else {
      view.setUint32(at + 24, one.length);
    }
    up.end += extended ? 32 : 28;
  }

  #payload(one: Operation, up: Queue, length: number): void {
    const { model } = this.#device;
    if (one.error !== 0) {
      up.bytes.fill(0x55, up.end, up.end + length);
    } else if (up.end % 4 === 0) {
      model.fill(up.words, up.end / 4, one.version, one.first, one.end);
    } else {
      const words = new Uint32Array(length / 4);
      model.fill(words, 0, one.version, one.first, one.end);
      up.bytes.set(new Uint8Array(words.buffer), up.end);
    }
    up.end += length;
  }
}
