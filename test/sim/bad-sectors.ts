/** Which sectors of a device may be bad, and which are, as far as those who set them can know. */

import type { Random } from '../fuzz/random.ts';
import type { DiskModel } from './model.ts';

export class BadSectors {
  readonly sectors: number;
  /** Somebody changes them. */
  busy = false;
  /** Sectors that may be bad. */
  count = 0;
  /** Counts what may have made sectors good. */
  clears = 0;
  readonly #model: DiskModel;
  readonly #maybe: Uint8Array;
  readonly #surely: Uint8Array;
  /** The latest tick at which a sector may have been bad. */
  readonly #until: Int32Array;
  #ever = false;

  constructor(sectors: number, model: DiskModel) {
    this.sectors = sectors;
    this.#model = model;
    this.#maybe = new Uint8Array(sectors);
    this.#surely = new Uint8Array(sectors);
    this.#until = new Int32Array(sectors).fill(-1);
  }

  /** Sectors [first, end) are about to be set or cleared. */
  begin(set: boolean, first: number, end: number): void {
    this.#ever = true;
    if (set) {
      for (let sector = first; sector < end; sector++) {
        if (this.#maybe[sector] === 0) this.count++;
        this.#maybe[sector] = 1;
      }
      return;
    }
    this.clears++;
    this.#surely.fill(0, first, end);
  }

  /** @param stays a request that hits one leaves it as it is. */
  end(set: boolean, first: number, end: number, done: boolean, stays: boolean): void {
    if (!done) return;
    if (set) {
      if (stays) this.#surely.fill(1, first, end);
      return;
    }
    const now = this.#model.tick++;
    for (let sector = first; sector < end; sector++) {
      if (this.#maybe[sector] !== 0) {
        this.count--;
        this.#until[sector] = now;
      }
      this.#maybe[sector] = 0;
    }
  }

  /** Another device is in its place. */
  wiped(): void {
    this.clears++;
    const now = this.#model.tick++;
    for (let sector = 0; sector < this.sectors; sector++) {
      if (this.#maybe[sector] !== 0) this.#until[sector] = now;
    }
    this.count = 0;
    this.#maybe.fill(0);
    this.#surely.fill(0);
  }

  /** May one of [first, end) have been bad since `tick`? */
  mayHit(first: number, end: number, tick: number): boolean {
    if (!this.#ever) return false;
    for (let sector = Math.max(0, first); sector < end && sector < this.sectors; sector++) {
      if (this.#maybe[sector] !== 0 || (this.#until[sector] ?? -1) >= tick) return true;
    }
    return false;
  }

  /** Is one of [first, end) bad, unless it is cleared? */
  hits(first: number, end: number): boolean {
    if (this.count === 0) return false;
    for (let sector = Math.max(0, first); sector < end && sector < this.sectors; sector++) {
      if (this.#surely[sector] !== 0) return true;
    }
    return false;
  }

  /** A range to clear. */
  someRange(random: Random): { readonly first: number; readonly end: number } {
    const first = random.below(this.sectors);
    return { first, end: Math.min(this.sectors, first + 1 + random.skewed(256)) };
  }
}
