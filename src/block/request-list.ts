/** Requests in a row, linked through their slots: batches and waiting lines without an allocation. */

import type { DriverData } from './driver-data.ts';
import type { Handles, IdleRequest, Slot } from './owned.ts';

export class RequestList<D extends DriverData = DriverData> {
  #head: Slot<D> | undefined = undefined;
  #tail: Slot<D> | undefined = undefined;
  count = 0;
  readonly #handles: Handles<D>;

  constructor(handles: Handles<D>) {
    this.#handles = handles;
  }

  push(request: Slot<D>): void {
    request.next = undefined;
    if (this.#tail === undefined) this.#head = request;
    else this.#tail.next = request;
    this.#tail = request;
    this.count++;
  }

  unshift(request: Slot<D>): void {
    request.next = this.#head;
    this.#head = request;
    if (this.#tail === undefined) this.#tail = request;
    this.count++;
  }

  shift(): Slot<D> | undefined {
    const first = this.#head;
    if (first === undefined) return undefined;
    this.#head = first.next;
    if (this.#head === undefined) this.#tail = undefined;
    first.next = undefined;
    this.count--;
    return first;
  }

  /** The next request as `queueRqs` may take it. */
  take(): IdleRequest<D> | undefined {
    const first = this.shift();
    return first === undefined ? undefined : this.#handles.idle(first);
  }

  /** A driver leaves `request` to the block layer; it stays before the rest. */
  putBack(request: IdleRequest<D>): void {
    const slot = request.slot;
    this.#handles.spent(request);
    this.unshift(slot);
  }

  /** Every request of `other`, behind ours; `other` is empty then. */
  append(other: RequestList<D>): void {
    for (let next = other.shift(); next !== undefined; next = other.shift()) this.push(next);
  }
}
