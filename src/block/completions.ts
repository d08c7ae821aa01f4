/** Requests of one hardware queue that the driver has processed, and that complete in the deferred
 *  context. Allocates nothing. Source: driver.md section 2; parameter irqmode (1). */

import { bug } from '../units.ts';
import type { DriverData } from './driver-data.ts';
import type { ARef } from './owned.ts';
import type { Vtable } from './vtable.ts';

export class Completions<D extends DriverData = DriverData> {
  readonly #vtable: Vtable<D>;
  /** The first `#count` entries wait. */
  readonly #waiting: ARef<D>[] = [];
  #count = 0;

  constructor(vtable: Vtable<D>) {
    this.#vtable = vtable;
  }

  add(request: ARef<D>): void {
    this.#waiting[this.#count++] = request;
  }

  /** Hands those that wait now to the driver's `complete`. */
  run(): void {
    const count = this.#count;
    if (count === 0) return;
    const complete = this.#vtable.complete ?? bug('deferred without Operations.complete');
    for (let at = 0; at < count; at++) complete(this.#waiting[at] as ARef<D>); // one of the first
    // Completing may have completed more: those run in the next pass.
    this.#waiting.copyWithin(0, count, this.#count);
    this.#count -= count;
  }
}
