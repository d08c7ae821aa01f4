/** One client command on its way through the block layer: a range, its data and its outcome.
 *  A bio becomes one or more requests, cut by the disk's limits; it owns the number of children that
 *  have not ended and the first error. Made once and reused; knows no socket and no driver. */

import type { SlabAllocator } from '../pages/allocator.ts';
import { Segments } from '../pages/segments.ts';
import { PageViews } from '../pages/views.ts';
import type { Sector } from '../units.ts';
import { Command } from './command.ts';
import { Status } from './status.ts';
import type { WireFault } from './wire-fault.ts';

/** A request that lives until its mapping is undone. */
export interface Unmappable {
  unmap(): void;
}

/** Who submitted a bio. Every method is called from inside the block layer and must not throw. */
export interface BioOwner {
  /** A read is about to be transferred: put the place for its data into `bio.segments`.
   *  Called once, and only now, so that a read that waits for its turn holds no memory.
   *  @returns false when there is no memory. */
  provideTarget(bio: Bio): boolean;
  /** May this read be answered with views of the device's pages instead of a copy? */
  acceptsViews(bio: Bio): boolean;
  /** The payload is about to be overwritten by the next one and not yet written: copy it. Without memory
   *  `bio.segments` is left empty, and the write fails. */
  park(bio: Bio): void;
  /** The data of a mapped read are in `bio.views` and good. They stay so, and the request stays in
   *  flight, until `bio.unmap()`. */
  viewsReady(bio: Bio): void;
  /** Every child has ended; `bio.status` says how. */
  bioDone(bio: Bio): void;
}

export class Bio {
  readonly owner: BioOwner;
  readonly segments = new Segments();
  readonly views: PageViews;
  command: Command = Command.READ;
  flags = 0;
  sector = 0 as Sector; // 0 is a sector
  sectors = 0 as Sector; // 0 is a count of sectors
  /** Where a zone append really went. */
  writtenSector = 0 as Sector; // 0 is a sector
  /** The first error of a child, or OK. */
  status: Status = Status.OK;
  /** What happened, for humans, where the driver can say more than the status. */
  reason: string | undefined = undefined;
  /** The sector where it happened; -1: not known. */
  failedAt = -1;
  /** Children handed out that have not ended. */
  children = 0;
  /** Sectors that have a child; the rest waits for tags. */
  submitted = 0;
  /** True when every child has been made. */
  whole = false;
  /** The payload lies in memory that is reused when control goes back to the event loop. */
  borrowed = false;
  /** The pieces of the payload are one range of the submitter's memory, wherever they lie here. */
  contiguous = false;
  /** A write of one request, however long: an append that stands for one. */
  uncut = false;
  /** What is to happen to its reply. */
  wire: WireFault | undefined = undefined;
  /** What stands before the hardware queues has seen it. */
  judged = false;
  /** It succeeds, but what it promises of durability is not true. */
  lied = false;
  /** It succeeds, but was not done, or not as it was asked for. */
  undone = false;
  /** A later part of a command that has begun. Never reset: whoever cuts a command says so before each part. */
  continues = false;
  #targetProvided = false;
  #mapped: Unmappable | undefined;

  constructor(owner: BioOwner, allocator: SlabAllocator) {
    this.owner = owner;
    this.views = new PageViews(allocator);
  }

  /** Begins a new life with no children and no data. */
  reset(command: Command, flags: number, sector: Sector, sectors: Sector): void {
    this.command = command;
    this.flags = flags;
    this.sector = sector;
    this.sectors = sectors;
    this.status = Status.OK;
    this.reason = undefined;
    this.failedAt = -1;
    this.children = 0;
    this.submitted = 0;
    this.whole = false;
    this.borrowed = false;
    this.judged = false;
    this.wire = undefined;
    this.contiguous = false;
    this.uncut = false;
    this.lied = false;
    this.undone = false;
    this.#targetProvided = false;
    this.segments.clear();
  }

  /** The segments a read goes into, provided on first use. @returns false when memory is out. */
  target(): boolean {
    if (this.#targetProvided) return true;
    if (!this.owner.provideTarget(this)) return false;
    this.#targetProvided = true;
    return true;
  }

  /** Copies a borrowed payload to memory of the bio's own. */
  park(): void {
    if (!this.borrowed) return;
    this.owner.park(this);
    this.borrowed = false;
  }

  /** One child handed out; the caller counts `submitted` itself. */
  childEnded(status: Status): void {
    if (status !== Status.OK && this.status === Status.OK) this.status = status;
    this.children--;
    if (this.children === 0 && this.whole) this.owner.bioDone(this);
  }

  /** What is left is not submitted: it ends with `status`. */
  giveUp(status: Status): void {
    if (this.status === Status.OK) this.status = status;
    this.submitted = this.sectors;
    this.whole = true;
    if (this.children === 0) this.owner.bioDone(this);
  }

  /** The block layer's note that `request` lives until the views are given back. */
  mappedBy(request: Unmappable): void {
    this.#mapped = request;
  }

  /** The views are not read any more: they are released, and the request may end. */
  unmap(): void {
    const request = this.#mapped;
    if (request === undefined) return;
    this.#mapped = undefined;
    this.views.release();
    request.unmap();
  }
}
