/** Views of slabs in the order in which they are to be sent: one reply's data. A reused object; it
 *  pins what it shows. Knows neither sockets nor sectors. Source: docs/architecture.md, Memory. */

import { bug } from '../units.ts';
import type { SlabAllocator } from './allocator.ts';
import { pin, unpin, zeroView } from './pin.ts';
import type { Slab } from './slab.ts';

/** INVARIANT: entries 0 .. count - 1 are live, each not empty and its slab pinned once per entry;
 *  `bytes` is the sum of their lengths. Entries from `count` on are left-overs. */
export class PageViews {
  readonly buffers: Uint8Array[] = [];
  /** First byte of the view in buffers[i]. */
  readonly starts: number[] = [];
  /** One past its last byte. */
  readonly ends: number[] = [];
  count = 0;
  bytes = 0;
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #allocator: SlabAllocator;

  constructor(allocator: SlabAllocator) {
    this.#allocator = allocator;
  }

  /** Appends the bytes [start, end) of `slab`, which are those of `buffer`, and pins it; without a slab, zeros. */
  add(slab: Slab | undefined, start: number, end: number, buffer = slab?.bytes ?? zeroView): void {
    if (start >= end) bug(`an empty view ${start}..${end}`);
    const i = this.count++;
    if (slab !== undefined) pin(slab);
    this.#slabs[i] = slab;
    this.buffers[i] = buffer;
    this.starts[i] = start;
    this.ends[i] = end;
    this.bytes += end - start;
  }

  /** Appends `length` bytes of a constant: `zeroView` or `onesView`, as often as needed. */
  addConstant(constant: Uint8Array, length: number): void {
    for (let left = length; left > 0; left -= constant.length) {
      this.add(undefined, 0, Math.min(left, constant.length));
      this.buffers[this.count - 1] = constant;
    }
  }

  /** Cuts bytes off both ends; an empty view is removed, with its pin. */
  trim(headBytes: number, tailBytes: number): void {
    if (headBytes < 0 || tailBytes < 0 || headBytes + tailBytes > this.bytes) {
      bug(`cannot trim ${headBytes} and ${tailBytes} off ${this.bytes} bytes`);
    }
    this.#trimTail(tailBytes);
    this.#trimHead(headBytes);
  }

  /** What it shows is that of another from now on, with its pins. */
  moved(): PageViews {
    const to = new PageViews(this.#allocator);
    for (let i = 0; i < this.count; i++) {
      to.buffers.push(this.buffers[i] ?? bug(`no view ${i}`));
      to.starts.push(this.starts[i] ?? 0);
      to.ends.push(this.ends[i] ?? 0);
      to.#slabs.push(this.#slabs[i]);
      this.#slabs[i] = undefined;
    }
    [to.count, to.bytes] = [this.count, this.bytes];
    [this.count, this.bytes] = [0, 0];
    return to;
  }

  /** Unpins everything. */
  release(): void {
    for (let i = 0; i < this.count; i++) this.#drop(i);
    this.count = 0;
    this.bytes = 0;
  }

  #trimTail(tailBytes: number): void {
    this.bytes -= tailBytes;
    for (let left = tailBytes; left > 0; ) {
      const last = this.count - 1;
      const length = this.#length(last);
      if (length > left) {
        this.ends[last] = (this.ends[last] ?? 0) - left;
        return;
      }
      this.#drop(last);
      this.count = last;
      left -= length;
    }
  }

  #trimHead(headBytes: number): void {
    this.bytes -= headBytes;
    let gone = 0;
    let left = headBytes;
    for (; left > 0 && this.#length(gone) <= left; gone++) {
      left -= this.#length(gone);
      this.#drop(gone);
    }
    if (left > 0) this.starts[gone] = (this.starts[gone] ?? 0) + left;
    if (gone > 0) this.#moveDown(gone);
  }

  #moveDown(gone: number): void {
    for (let from = gone, to = 0; from < this.count; from++, to++) {
      this.#slabs[to] = this.#slabs[from];
      this.buffers[to] = this.buffers[from] ?? zeroView;
      this.starts[to] = this.starts[from] ?? 0;
      this.ends[to] = this.ends[from] ?? 0;
    }
    this.count -= gone;
    for (let i = this.count; i < this.count + gone; i++) this.#forget(i);
  }

  #length(i: number): number {
    return (this.ends[i] ?? 0) - (this.starts[i] ?? 0);
  }

  #drop(i: number): void {
    const slab = this.#slabs[i];
    if (slab !== undefined) unpin(slab, this.#allocator);
    this.#forget(i);
  }

  #forget(i: number): void {
    this.#slabs[i] = undefined;
    this.buffers[i] = zeroView;
  }
}
