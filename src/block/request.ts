/** `Request`: one slot of a tag set. All slots are made with the tag set, none per I/O; a tag finds its slot.
 *  Code touches a slot only through the handle that it was given (owned.ts).
 *
 *  COUNT, one Int32 per tag, says who has the slot:
 *    0      the block layer, or the driver alone as IdleRequest or Owned
 *    1      the driver's side, no handle alive; `tagToRq` may revive it
 *    n + 1  n ARefs are alive
 *  Source: driver.md section 2. */

import type { Sector, Tag } from '../units.ts';
import { bug } from '../units.ts';
import type { Bio } from './bio.ts';
import { Command } from './command.ts';
import type { DriverData } from './driver-data.ts';
import type { RequestCause } from './refusals.ts';
import { Status } from './status.ts';

/** Where a slot is between two lives. COUNT says who has it while it is `started`. */
export const RequestState = { FREE: 0, ISSUED: 1, STARTED: 2 } as const;
export type RequestState = (typeof RequestState)[keyof typeof RequestState];

/** `H` is the hardware queue that a request is on, as its handles know it. */
export class Request<D extends DriverData, H> {
  readonly tag: Tag;
  /** COUNT of all tags of the set; ours is at `tag`. */
  readonly counts: Int32Array;
  /** The driver's own per-request data, made with the slot. */
  readonly data: D['request'];
  state: RequestState = RequestState.FREE;
  command: Command = Command.READ;
  flags = 0;
  sector = 0 as Sector; // 0 is a sector
  sectors = 0 as Sector; // 0 is a count of sectors
  /** Where this request's part begins in the bio's data, in bytes. */
  bioOffset = 0;
  status: Status = Status.OK;
  /** The rule that refused it, until it has ended with an error; a request that is not refused has none. */
  refusal: RequestCause | undefined = undefined;
  /** When it was handed to its hardware queue, in ns. */
  issuedAt = 0;
  /** When the driver started it, in ns; its timeout counts from here (timeout.ts). */
  startedAt = 0;
  next: Request<D, H> | undefined = undefined;
  /** Whether the bio's views are this request's mapping, which keeps it from ending. */
  mapped = false;
  /** The driver has completed it: it ends when its mapping is undone. */
  completed = false;
  #bio: Bio | undefined = undefined;
  #hctx: H | undefined = undefined;

  constructor(tag: Tag, counts: Int32Array, data: D['request']) {
    this.tag = tag;
    this.counts = counts;
    this.data = data;
  }

  /** Nobody has the slot now: it drops its references to the life that ended. With shared tags the slot
   *  outlives its disk. */
  free(): void {
    this.state = RequestState.FREE;
    this.#bio = undefined;
    this.#hctx = undefined;
  }

  get bio(): Bio {
    return this.#bio ?? bug(`tag ${this.tag}: no bio`);
  }

  get hctx(): H {
    return this.#hctx ?? bug(`tag ${this.tag}: on no hardware queue`);
  }

  /** Fills the slot for a new life. @param flags beside those of `bio`. */
  prepare(
    hctx: H,
    flags: number,
    bio: Bio,
    sector: Sector,
    sectors: Sector,
    bioOffset: number,
  ): void {
    if (this.state !== RequestState.FREE) bug(`tag ${this.tag}: handed out while in use`);
    this.state = RequestState.ISSUED;
    this.#hctx = hctx;
    this.#bio = bio;
    this.command = bio.command;
    this.flags = bio.flags | flags;
    this.sector = sector;
    this.sectors = sectors;
    this.bioOffset = bioOffset;
    this.status = Status.OK;
  }

  count(): number {
    return this.counts[this.tag] ?? bug(`tag ${this.tag}: no count`);
  }

  /** One more reference. COUNT >= 2: only a holder of a reference may make another. */
  get(): void {
    if (Atomics.add(this.counts, this.tag, 1) < 2)
      bug(`tag ${this.tag}: cloned without a reference`);
  }

  /** One reference less. The last one leaves 1: the device has the request. */
  put(): void {
    if (Atomics.sub(this.counts, this.tag, 1) < 2) bug(`tag ${this.tag}: dropped once too often`);
  }
}
