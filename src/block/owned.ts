/** The handles through which a driver has a request: IdleRequest -> start() -> Owned <-> ARef.
 *  Each method that gives a handle away ends it; in debug mode touching it again throws an error that
 *  names the tag, otherwise the check costs nothing (handles.ts). Source: driver.md section 2. */

import type { Sector, Tag } from '../units.ts';
import { bug, toBytes } from '../units.ts';
import type { Bio } from './bio.ts';
import type { Command } from './command.ts';
import { RequestFlag } from './command.ts';
import type { DriverData } from './driver-data.ts';
import type { HwQueue } from './hw-queue.ts';
import type { Request } from './request.ts';
import { RequestState } from './request.ts';
import type { RequestQueue } from './request-queue.ts';
import { Status } from './status.ts';

/** What every handle can be asked. */
class Handle<D extends DriverData = DriverData> {
  /** The slot; in debug mode a stand-in that throws once the handle was moved from. */
  slot: Request<D>;

  constructor(slot: Request<D>) {
    this.slot = slot;
  }

  tag(): Tag {
    return this.slot.tag;
  }
  command(): Command {
    return this.slot.command;
  }
  flags(): number {
    return this.slot.flags;
  }
  isFua(): boolean {
    return (this.slot.flags & RequestFlag.FUA) !== 0;
  }
  /** The first sector. */
  sector(): Sector {
    return this.slot.sector;
  }
  sectors(): Sector {
    return this.slot.sectors;
  }
  bytes(): number {
    return toBytes(this.slot.sectors);
  }
  /** The client's command that this request is (a part of): the data is in its segments. */
  bio(): Bio {
    return this.slot.bio;
  }
  /** Where this request's data begin in the bio's, in bytes. */
  bioOffset(): number {
    return this.slot.bioOffset;
  }
  data(): D['request'] {
    return this.slot.data;
  }
  hctx(): HwQueue<D> {
    return this.slot.hctx;
  }
  queue(): RequestQueue<D> {
    return this.slot.hctx.queue;
  }
  queueIndex(): number {
    return this.slot.hctx.index;
  }
}

/** A request as `queueRq` gets it: not started, to be started or left to the block layer. COUNT 0. */
export class IdleRequest<D extends DriverData = DriverData> extends Handle<D> {
  /** Starts the request and its timeout clock. */
  start(): Owned<D> {
    const slot = this.slot;
    if (slot.state !== RequestState.ISSUED) bug(`tag ${slot.tag}: started in state ${slot.state}`);
    slot.state = RequestState.STARTED;
    slot.hctx.set.timeouts.started(slot);
    return slot.handles.owned(this);
  }
}

/** The only handle on a started request. COUNT 0. */
export class Owned<D extends DriverData = DriverData> extends Handle<D> {
  /** COUNT 0 -> 2: one ARef, which may be cloned. */
  intoShared(): ARef<D> {
    const slot = this.slot;
    if (Atomics.compareExchange(slot.counts, slot.tag, 0, 2) !== 0) {
      bug(`tag ${slot.tag}: shared while ${slot.count()} counted`);
    }
    return slot.handles.shared(this);
  }

  endOk(): void {
    this.end(Status.OK);
  }

  /** Gives the request back to the block layer; its tag becomes free. */
  end(status: Status): void {
    const slot = this.slot;
    slot.handles.spent(this);
    slot.hctx.ended(slot, status);
  }

  /** Gives the request back to be issued again; `kick` says: soon, without waiting for a restart. */
  requeue(kick: boolean): void {
    const slot = this.slot;
    slot.handles.spent(this);
    slot.hctx.requeued(slot, kick);
  }

  /** Where the data really go: for zone append. */
  setSector(sector: Sector): void {
    this.slot.sector = sector;
    this.slot.bio.landedAt = sector;
  }

  setStatus(status: Status): void {
    this.slot.status = status;
  }

  status(): Status {
    return this.slot.status;
  }
}

/** One of several references to a started request. COUNT = references + 1. */
export class ARef<D extends DriverData = DriverData> extends Handle<D> {
  /** COUNT + 1. */
  clone(): ARef<D> {
    this.slot.get();
    return this.slot.handles.cloned(this);
  }

  /** COUNT - 1, never to 0: the device has the request then. */
  drop(): void {
    const slot = this.slot;
    slot.handles.spent(this);
    slot.put();
  }

  /** The bio's views become a mapping of this request: a reference (COUNT + 1) that lives until the
   *  reply was sent, and keeps the request from ending before. */
  map(): void {
    const slot = this.slot;
    slot.get();
    slot.mapped = true;
    slot.hctx.pool.mapped++;
    slot.bio.mappedBy(slot);
  }

  /** COUNT 2 -> 0: the Owned again. Anything else leaves this reference as it is.
   *  @returns undefined when other references are alive. */
  tryFromShared(): Owned<D> | undefined {
    const slot = this.slot;
    if (Atomics.compareExchange(slot.counts, slot.tag, 2, 0) !== 2) return undefined;
    return slot.handles.owned(this);
  }

  /** The device is through with the request: it ends now, or when its mapping is undone. */
  complete(status: Status): void {
    this.slot.complete(this, status);
  }
}
