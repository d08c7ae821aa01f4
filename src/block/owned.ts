/** The handles through which a driver has a request: IdleRequest -> start() -> Owned <-> ARef, and what they
 *  show of its hardware queue. Each method that gives a handle away ends it. In debug mode a later use throws
 *  an error that names the tag; otherwise the check costs nothing (handles.ts).
 *  Source: driver.md section 2. */

import type { Sector, Tag } from '../units.ts';
import { bug, toBytes } from '../units.ts';
import type { Bio, Unmappable } from './bio.ts';
import type { Command } from './command.ts';
import { RequestFlag } from './command.ts';
import type { DriverData } from './driver-data.ts';
import type { RequestCause } from './refusals.ts';
import { type Request, RequestState } from './request.ts';
import { Status } from './status.ts';

/** The tag set of a hardware queue, as a driver sees it. */
interface HctxTags<D extends DriverData> {
  /** The driver's data of the set. */
  readonly data: D['tagSet'];
  /** A reference to the request with this tag, if the driver has shared it: increment unless zero.
   *  @returns undefined when it is idle, or owned by one alone. */
  tagToRq(of: Tag): ARef<D> | undefined;
  /** The requests of `hctx` that the driver has shared, each with a reference for the asker. */
  shared(hctx: Hctx<D>): Iterable<ARef<D>>;
}

/** A hardware queue as a driver sees it. */
export interface Hctx<D extends DriverData = DriverData> {
  readonly index: number;
  /** Its completions are polled for. */
  readonly polled: boolean;
  /** The driver's data of this queue. */
  readonly data: D['hctx'];
  readonly queue: { readonly data: D['queue'] };
  readonly set: HctxTags<D>;
  /** `request` has been processed; the driver's `complete` gets it in the deferred context. */
  completeLater(request: ARef<D>): void;
  /** The driver has left something to be polled for: `poll` comes for it when the sockets had their turn. */
  pollSoon(): void;
}

/** What handles tell the hardware queue about their request. */
interface Home<D extends DriverData> extends Hctx<D> {
  readonly pool: { mapped: number };
  started(request: Slot<D>): void;
  ended(request: Slot<D>, status: Status): void;
  requeued(request: Slot<D>, kick: boolean): void;
  /** The request was started, and the tag set's timeout has passed since. */
  timedOut(request: Slot<D>): void;
}

/** A request as the block layer has it. */
export type Slot<D extends DriverData = DriverData> = Request<D, Home<D>>;

type AnyHandle<D extends DriverData = DriverData> = IdleRequest<D> | Owned<D> | ARef<D>;

/** How the handles of a tag set are made. */
export interface Handles<D extends DriverData = DriverData> {
  /** The handle that `queueRq` is given. */
  idle(slot: Slot<D>): IdleRequest<D>;
  /** `from` moves into the only handle. */
  owned(from: IdleRequest<D> | ARef<D>): Owned<D>;
  /** `from` moves into the first reference. */
  shared(from: Owned<D>): ARef<D>;
  /** Another reference; `from` stays. */
  cloned(from: ARef<D>): ARef<D>;
  /** A reference for `tagToRq`, which found the slot in flight. */
  revived(slot: Slot<D>): ARef<D>;
  /** `handle` ends and moves into nothing. */
  spent(handle: AnyHandle<D>): void;
}

/** What every handle can be asked. */
class Handle<D extends DriverData = DriverData> {
  /** The slot; in debug mode a stand-in that throws once the handle was moved from. */
  slot: Slot<D>;
  readonly handles: Handles<D>;

  constructor(slot: Slot<D>, handles: Handles<D>) {
    this.slot = slot;
    this.handles = handles;
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
  hctx(): Hctx<D> {
    return this.slot.hctx;
  }
  queue(): Hctx<D>['queue'] {
    return this.slot.hctx.queue;
  }
  queueIndex(): number {
    return this.slot.hctx.index;
  }
  status(): Status {
    return this.slot.status;
  }
}

/** A request as `queueRq` gets it: not started, to be started or left to the block layer. COUNT 0. */
export class IdleRequest<D extends DriverData = DriverData> extends Handle<D> {
  /** Starts the request and its timeout clock. */
  start(): Owned<D> {
    const slot = this.slot;
    if (slot.state !== RequestState.ISSUED) bug(`tag ${slot.tag}: started in state ${slot.state}`);
    slot.state = RequestState.STARTED;
    slot.hctx.started(slot);
    return this.handles.owned(this);
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
    return this.handles.shared(this);
  }

  endOk(): void {
    this.end(Status.OK);
  }

  /** Gives the request back to the block layer; its tag becomes free. */
  end(status: Status): void {
    const slot = this.slot;
    this.handles.spent(this);
    slot.hctx.ended(slot, status);
  }

  /** Gives the request back to be issued again; `kick` says: soon, without waiting for a restart. */
  requeue(kick: boolean): void {
    const slot = this.slot;
    this.handles.spent(this);
    slot.hctx.requeued(slot, kick);
  }

  /** Where the data really go: for zone append. */
  setSector(sector: Sector): void {
    this.slot.sector = sector;
    this.slot.bio.writtenSector = sector;
  }

  setStatus(status: Status): void {
    this.slot.status = status;
  }

  /** A rule of the device refuses it: it must end with an error. The first rule is counted. */
  refuse(cause: RequestCause): void {
    this.slot.refusal ??= cause;
  }
}

/** One of several references to a started request. COUNT = references + 1. */
export class ARef<D extends DriverData = DriverData> extends Handle<D> implements Unmappable {
  /** COUNT + 1. */
  clone(): ARef<D> {
    this.slot.get();
    return this.handles.cloned(this);
  }

  /** COUNT - 1, never to 0: the device has the request then. */
  drop(): void {
    const slot = this.slot;
    this.handles.spent(this);
    slot.put();
  }

  /** The bio's views become a mapping of this request: a reference (COUNT + 1) that lives until the
   *  reply was sent, and keeps the request from ending before. */
  map(): void {
    const mapping = this.clone();
    const slot = this.slot;
    slot.mapped = true;
    slot.hctx.pool.mapped++;
    slot.bio.mappedBy(mapping);
  }

  /** COUNT 2 -> 0: the Owned again. Anything else leaves this reference as it is.
   *  @returns undefined when other references are alive. */
  tryFromShared(): Owned<D> | undefined {
    const slot = this.slot;
    if (Atomics.compareExchange(slot.counts, slot.tag, 2, 0) !== 2) return undefined;
    return this.handles.owned(this);
  }

  /** The driver is done with the request. It ends; or, when the reply still points into the device's pages,
   *  its data are handed on and it ends when the mapping is undone. */
  complete(status: Status): void {
    const slot = this.slot;
    slot.status = status;
    if (!slot.mapped) {
      this.#end();
      return;
    }
    this.handles.spent(this);
    slot.completed = true;
    const { bio } = slot;
    if (status === Status.OK) bio.owner.viewsReady(bio);
    else bio.unmap();
  }

  /** The mapping is undone: its reference goes (3 -> 2), and that of the completion ends the request. */
  unmap(): void {
    const slot = this.slot;
    slot.mapped = false;
    slot.hctx.pool.mapped--;
    slot.put();
    if (!slot.completed) bug(`tag ${slot.tag}: unmapped before it completed`);
    slot.completed = false;
    this.#end();
  }

  /** COUNT 2 -> 0, and the request ends. One reference too many here is a bug of the driver. */
  #end(): void {
    const slot = this.slot;
    const owned = this.tryFromShared();
    if (owned === undefined)
      bug(`tag ${slot.tag}: completed while ${slot.count() - 2} others hold it`);
    owned.end(slot.status);
  }
}
