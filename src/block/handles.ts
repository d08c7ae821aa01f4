/** How handles are made. Plain: three objects per slot, made with it, so that no I/O allocates.
 *  Checked (debug mode): a new object for each move, and what was moved from throws when touched.
 *  Both keep the same counts; a process uses one of them, so calls stay monomorphic. */

import type { DriverData } from './driver-data.ts';
import { ARef, type Handles, IdleRequest, Owned, type Slot } from './owned.ts';

class SlotHandles<D extends DriverData = DriverData> {
  readonly idle: IdleRequest<D>;
  readonly owned: Owned<D>;
  readonly aref: ARef<D>;

  constructor(slot: Slot<D>, handles: Handles<D>) {
    this.idle = new IdleRequest(slot, handles);
    this.owned = new Owned(slot, handles);
    this.aref = new ARef(slot, handles);
  }
}

export class PlainHandles<D extends DriverData = DriverData> implements Handles<D> {
  readonly #slots: SlotHandles<D>[] = [];

  /** Makes the handles of `slot`; called once per slot, in order of tags. */
  add(slot: Slot<D>): void {
    this.#slots.push(new SlotHandles(slot, this));
  }

  idle(slot: Slot<D>): IdleRequest<D> {
    return this.#of(slot).idle;
  }
  owned(from: IdleRequest<D> | ARef<D>): Owned<D> {
    return this.#of(from.slot).owned;
  }
  shared(from: Owned<D>): ARef<D> {
    return this.#of(from.slot).aref;
  }
  cloned(from: ARef<D>): ARef<D> {
    return from;
  }
  revived(slot: Slot<D>): ARef<D> {
    return this.#of(slot).aref;
  }
  spent(): void {}

  #of(slot: Slot<D>): SlotHandles<D> {
    return this.#slots[slot.tag] as SlotHandles<D>; // add() was called for every slot of the set
  }
}

export class CheckedHandles<D extends DriverData = DriverData> implements Handles<D> {
  idle(slot: Slot<D>): IdleRequest<D> {
    return new IdleRequest(slot, this);
  }
  owned(from: IdleRequest<D> | ARef<D>): Owned<D> {
    const slot = from.slot;
    this.spent(from);
    return new Owned(slot, this);
  }
  shared(from: Owned<D>): ARef<D> {
    const slot = from.slot;
    this.spent(from);
    return new ARef(slot, this);
  }
  cloned(from: ARef<D>): ARef<D> {
    return new ARef(from.slot, this);
  }
  revived(slot: Slot<D>): ARef<D> {
    return new ARef(slot, this);
  }
  spent(handle: { slot: Slot<D> }): void {
    handle.slot = movedFrom(handle.slot);
  }
}

/** Stands for the slot of a handle that was moved from: every access throws. */
function movedFrom<D extends DriverData = DriverData>(slot: Slot<D>): Slot<D> {
  const tag = slot.tag; // throws already when the handle was moved from before
  const complain = (): never => {
    throw new Error(`bug: tag ${tag}: a handle was used after it was moved from`);
  };
  return new Proxy(slot, { get: complain, set: complain, has: complain });
}
