/** A hardware queue: turns bios into tagged requests, gives them to the driver in batches, holds back
 *  what the driver cannot take and issues it again. Source: driver.md section 2, Queue services. */

import type { DeferredWork } from '../time/deferred.ts';
import type { Work } from '../time/slicer.ts';
import type { Sector } from '../units.ts';
import { bug, SECTOR_BYTES } from '../units.ts';
import type { Bio } from './bio.ts';
import { BlockingHandler } from './blocking.ts';
import { hasRange, RequestFlag } from './command.ts';
import { Completions } from './completions.ts';
import type { BlockContext } from './context.ts';
import type { DriverData } from './driver-data.ts';
import { BatchTimes, type IoStats } from './io-stats.ts';
import type { Operations } from './operations.ts';
import type { ARef, Hctx, Slot } from './owned.ts';
import { RequestState } from './request.ts';
import { RequestList } from './request-list.ts';
import { Rerun } from './rerun.ts';
import { Slices } from './slices.ts';
import { endsSlice, nextPiece, type Shape } from './split.ts';
import { isResource, Status } from './status.ts';
import type { TagPool } from './tag-pool.ts';
import type { TagSet } from './tag-set.ts';
import type { Vtable } from './vtable.ts';

/** The request queue that it is one of. */
interface QueueOfHctx<D extends DriverData> extends Shape {
  readonly operations: Operations<D>;
  readonly vtable: Vtable<D>;
  readonly data: D['queue'];
  readonly stats: IoStats;
  readonly begun: Set<object>;
  /** A retired hardware queue had its turn and may have processed its last request. */
  retiredRan(): void;
  /** At `now` a hardware queue has no request in flight any more. */
  mayIdle(now: number): void;
  /** A hardware queue is not busy any more. */
  drained(): void;
}

/** Requests to end in one piece: some 20 us with their replies. */
const ENDS_PER_PIECE = 8;

export class HwQueue<D extends DriverData = DriverData> implements DeferredWork, Hctx<D> {
  readonly queue: QueueOfHctx<D>;
  readonly index: number;
  /** Of the queue map: what an older hardware queue holds goes first. */
  readonly generation: number;
  readonly set: TagSet<D>;
  readonly context: BlockContext;
  readonly pool: TagPool;
  /** Its completions are polled for: the last queues of a set are. */
  readonly polled: boolean;
  /** The flags that every request of this queue has. */
  readonly requestFlags: number;
  /** The driver's data of this queue. */
  readonly data: D['hctx'];
  raised = false;
  /** Requests with a tag on this queue. */
  inFlight = 0;
  /** A live change of the queues replaced this one: it takes nothing new and finishes what it has. */
  retired = false;
  /** When the plug that is being issued got its first request. -1: no plug is being issued, or held requests
   *  are. */
  issuingAt = -1;
  /** Waits until the queues that it replaced have processed what they hold, to keep the order. */
  behind = false;
  /** The plug: requests of the current batch that the driver does not have yet. */
  #plug: RequestList<D>;
  #spare: RequestList<D> | undefined;
  /** Requests that the driver gave back or that met a stopped queue; they are issued before anything newer. */
  readonly #held: RequestList<D>;
  readonly #completions: Completions<D>;
  readonly #slices = new Slices(this);
  readonly #rerun: Rerun;
  readonly #pollTurn: DeferredWork = { raised: false, runDeferred: () => this.poll() };
  readonly #times: BatchTimes;
  /** Undefined: the handler never waits. */
  readonly #blocking: BlockingHandler<D> | undefined;
  #stopped = false;
  /** The status with which everything ends from now on. Undefined: the driver decides. */
  #givenUp: Status | undefined = undefined;
  /** When the plug got its first request. */
  #pluggedAt = 0;

  constructor(queue: QueueOfHctx<D>, set: TagSet<D>, index: number, generation: number) {
    const { options } = set;
    this.queue = queue;
    this.index = index;
    this.generation = generation;
    this.set = set;
    this.context = set.context;
    this.pool = set.pool(index);
    this.polled = index >= options.queues - options.pollQueues;
    this.requestFlags = this.polled ? RequestFlag.POLLED : 0;
    this.data = queue.vtable.makeHctxData?.();
    this.#plug = new RequestList(set.handles);
    this.#spare = new RequestList(set.handles);
    this.#held = new RequestList(set.handles);
    this.#completions = new Completions(queue.vtable);
    this.#rerun = new Rerun(set.context, this);
    this.#times = new BatchTimes(queue.stats);
    const handler = options.blocking ? queue.vtable.queueRqBlocking : undefined;
    this.#blocking = handler && new BlockingHandler(handler, this);
  }

  /** True while something that it was given has not ended: a request with a tag, or a bio between two slices.
   *  This decides whether a retired queue may be forgotten and whether a disk is idle. */
  get busy(): boolean {
    return this.inFlight > 0 || this.#slices.count > 0;
  }

  /** Requests that the driver has not processed yet, as far as the block layer knows. */
  get unprocessed(): number {
    const waiting = this.#blocking?.waiting ?? 0;
    return this.#plug.count + this.#held.count + waiting + this.#slices.count;
  }

  /** Makes requests of what is left of `bio` and puts them into the plug. Allocates nothing.
   *  @returns false when the tags ran out first: call again when `pool` has some. */
  submit(bio: Bio): boolean {
    const { begun } = this.queue;
    if (begun.size > 0) begun.delete(bio);
    const submitted = this.#submit(bio);
    if (!submitted && (bio.submitted > 0 || bio.continues)) begun.add(bio);
    return submitted;
  }

  #submit(bio: Bio): boolean {
    if (!hasRange(bio.command)) {
      return this.#submitPiece(bio, 0 as Sector) || this.#endWithoutTag(bio); // FLUSH names none
    }
    const from = bio.submitted;
    let pieces = 0;
    do {
      if (!this.#submitPiece(bio, nextPiece(bio, this.queue))) return this.#endWithoutTag(bio);
    } while (!bio.whole && !endsSlice(bio, from, ++pieces, this.queue.limits));
    if (!bio.whole && !this.#endWithoutTag(bio)) this.#slices.later(bio);
    return true;
  }

  /** Gives the driver what is in the plug, at the end of a batch. When this returns, a bio's borrowed payload
   *  is in the device or parked. */
  unplug(): void {
    if (this.#plug.count === 0) return;
    const batch = this.#plug;
    this.#plug = this.#spare ?? new RequestList(this.set.handles); // there is no spare: an ending bio submitted another
    this.#spare = undefined;
    if (this.#holds || this.#held.count > 0) {
      this.#hold(batch);
      if (!this.#holds) this.context.deferred.raise(this);
    } else {
      const outer = this.issuingAt;
      if (outer >= 0) this.#times.over(this.context.clock.now() - outer);
      this.issuingAt = this.#pluggedAt;
      this.#issue(batch);
      const now = this.context.clock.now();
      this.#times.over(now - this.issuingAt);
      this.issuingAt = outer;
      if (this.inFlight === 0) this.queue.mayIdle(now);
    }
    this.#spare = batch;
  }

  stop(): void {
    this.#stopped = true;
  }

  start(): void {
    this.#stopped = this.#givenUp !== undefined;
    this.context.deferred.raise(this);
  }

  /** From now on all new submissions end with `status`; the driver gets nothing more. */
  refuse(status: Status): void {
    this.#givenUp = status;
    this.#stopped = true;
    this.unplug();
  }

  /** Ends with `status` what the driver does not have, and refuses new submissions. The driver ends what it
   *  has itself. In pieces. */
  *giveUp(status: Status): Work {
    this.refuse(status);
    for (let ended = 1; this.#held.count > 0; ended++) {
      const request = this.#held.shift();
      if (request !== undefined) this.#release(request, status);
      if (ended % ENDS_PER_PIECE === 0) yield;
    }
    this.#slices.giveUp(status);
    this.pool.callAll(); // a bio that waits for a tag needs none any more
    if (!this.busy) this.queue.drained();
  }

  /** `request` has been processed; the driver's `complete` gets it in the deferred context. */
  completeLater(request: ARef<D>): void {
    this.#completions.add(request);
    this.context.deferred.raise(this);
  }

  /** The driver left something to be polled for: `poll` fetches it after the sockets had their turn. */
  pollSoon(): void {
    this.context.deferred.raiseNextTurn(this.#pollTurn);
  }

  /** Completes what waits on a polled queue. */
  poll(): void {
    this.queue.vtable.poll?.(this);
  }

  /** The deferred context: completions first, since they free tags, then what was held, then new. */
  runDeferred(): void {
    this.#completions.run();
    if (!this.#holds && this.#held.count > 0) {
      const held = new RequestList(this.set.handles);
      held.append(this.#held);
      this.#issue(held);
    }
    this.unplug();
    if (this.retired) this.queue.retiredRan();
  }

  /** From IdleRequest.start: its timeout counts from when its batch was begun. */
  started(request: Slot<D>): void {
    this.set.timeouts.started(request, this.issuingAt);
  }

  /** Called by the sweep of timeouts. A request that the driver alone owns, or that has no hook, gets another
   *  period. */
  timedOut(request: Slot<D>): void {
    const reference = this.set.tagToRq(request.tag);
    if (reference === undefined) return;
    const verdict = this.queue.vtable.requestTimeout?.(reference) ?? 'reset';
    if (verdict === 'reset') reference.drop();
  }

  /** Called by Owned.end: the slot is idle and its tag free before the bio hears of it. */
  ended(request: Slot<D>, status: Status): void {
    if (request.state !== RequestState.STARTED) bug(`tag ${request.tag}: ended before it started`);
    if (request.count() !== 0) bug(`tag ${request.tag}: ended while ${request.count()} counted`);
    this.#release(request, status);
  }

  /** Called by Owned.requeue: the request is held, and issued again after a kick or when the queue starts. */
  requeued(request: Slot<D>, kick: boolean): void {
    if (request.count() !== 0) bug(`tag ${request.tag}: requeued while ${request.count()} counted`);
    // With a handler that waits, everything newer is held already.
    this.#holdOne(request, this.#blocking !== undefined);
    if (kick) this.context.deferred.raise(this);
    else this.#rerun.soon();
  }

  /** Called by the handler that waits. */
  nextHeld(): Slot<D> | undefined {
    return this.#holds ? undefined : this.#held.shift();
  }

  /** The handler that waited took `request`, or refused it. */
  answered(request: Slot<D>, status: Status): void {
    if (isResource(status)) return this.requeued(request, false);
    if (status !== Status.OK) this.#release(request, status);
    this.#blocking?.issueNext();
    this.context.deferred.raise(this);
  }

  get #holds(): boolean {
    return this.#stopped || this.behind;
  }

  /** Ends what is left of `bio` when everything is given up. @returns false when it is not. */
  #endWithoutTag(bio: Bio): boolean {
    if (this.#givenUp === undefined) return false;
    bio.giveUp(this.#givenUp);
    return true;
  }

  #submitPiece(bio: Bio, sectors: Sector): boolean {
    let tag = this.pool.take();
    if (tag === undefined) {
      this.unplug(); // requests that end inline free their tags at once
      tag = this.pool.take();
      if (tag === undefined) return false;
    }
    const request = this.set.slot(tag);
    const first = (bio.sector + bio.submitted) as Sector; // within the bio's range
    const offset = bio.submitted * SECTOR_BYTES;
    request.prepare(this, this.requestFlags, bio, first, sectors, offset);
    bio.children++;
    bio.submitted += sectors;
    // Only once the tag is there: unplugging may have ended every child so far.
    bio.whole = bio.submitted === bio.sectors || !hasRange(bio.command);
    this.inFlight++;
    if (this.#plug.count === 0) {
      this.#pluggedAt = this.context.clock.now();
      this.queue.stats.busyFrom(this.#pluggedAt);
      this.context.deferred.raise(this);
    }
    request.issuedAt = this.#pluggedAt;
    this.#plug.push(request);
    return true;
  }

  #issue(batch: RequestList<D>): void {
    const { operations, vtable } = this.queue;
    const { handles } = this.set;
    if (this.#blocking !== undefined) {
      this.#hold(batch);
      this.#blocking.issueNext();
      return;
    }
    vtable.queueRqs?.(batch);
    for (let next = batch.shift(); next !== undefined; next = batch.shift()) {
      if (this.#held.count > 0) {
        // An earlier request was requeued: nothing may overtake it.
        batch.unshift(next);
        this.#hold(batch);
        return;
      }
      const status = operations.queueRq(handles.idle(next), batch.count === 0);
      if (status === Status.OK) continue;
      if (!isResource(status)) {
        this.#release(next, status);
        continue;
      }
      batch.unshift(next);
      vtable.commitRqs?.(this);
      this.#hold(batch);
      if (!this.#holds) this.#rerun.soon();
      return;
    }
  }

  #hold(batch: RequestList<D>): void {
    for (let next = batch.shift(); next !== undefined; next = batch.shift()) this.#holdOne(next);
  }

  #holdOne(request: Slot<D>, first = false): void {
    if (this.#givenUp !== undefined) return this.#release(request, this.#givenUp);
    request.state = RequestState.ISSUED;
    request.bio.park();
    if (first) this.#held.unshift(request);
    else this.#held.push(request);
  }

  #release(request: Slot<D>, status: Status): void {
    const { bio, command, sectors, issuedAt } = request;
    if (status !== Status.OK) this.#failed(request, status);
    this.inFlight--;
    if (issuedAt === this.issuingAt) {
      this.#times.ended(command, sectors, status);
    } else {
      const now = this.context.clock.now();
      this.queue.stats.ended(command, sectors, status, now - issuedAt);
      if (this.inFlight === 0) this.queue.mayIdle(now);
    }
    request.free();
    this.pool.give(request.tag);
    bio.childEnded(status);
    if (!this.busy) this.queue.drained();
  }

  #failed(request: Slot<D>, status: Status): void {
    this.queue.stats.failed(request.command, status, request.refusal);
    request.refusal = undefined;
  }
}
