/** The null device as the block layer calls it: a request passes the gate and the path, and completes. Gate
 *  and path come from powered-device.ts. Source: driver.md sections 2 and 3. */

import { Command, RequestFlag } from '../block/command.ts';
import type { BlockContext } from '../block/context.ts';
import type { Operations, TimeoutVerdict } from '../block/operations.ts';
import type { ARef, Hctx, IdleRequest } from '../block/owned.ts';
import type { RequestList } from '../block/request-list.ts';
import { Status } from '../block/status.ts';
import type { Work } from '../time/slicer.ts';
import { bug } from '../units.ts';
import {
  type Batch,
  type Complete,
  type Completion,
  leaveToPoll,
  type NullData,
  NullHctxData,
  type NullOwned,
  NullRequestData,
} from './completion.ts';
import type { Fault } from './faults.ts';
import type { Flusher } from './flusher.ts';
import type { Gate } from './gate.ts';
import type { Parts } from './parts.ts';
import type { Step } from './path.ts';
import type { ResetAll } from './zones/reset-all.ts';

/** How many requests end in one piece of some 20 us, with their replies. */
const ENDS_PER_PIECE = 8;

export class NullOperations implements Operations<NullData> {
  /** Composed again between two requests when a live attribute changes. */
  gate: Gate | undefined;
  execute: Step = () => bug('a request before there is a path');
  readonly queueRqBlocking?: (request: IdleRequest<NullData>) => Promise<Status>;
  readonly #complete: Complete;
  readonly #batch: Batch | undefined;
  readonly #initHctx: Fault;
  readonly #flusher: Flusher | undefined;
  readonly #resetAll: ResetAll | undefined;
  readonly #context: BlockContext;

  /** @param flusher with a cache. @param resetAll with zones.
   *  @param blocking the handler may wait, so it is an asynchronous one. */
  constructor(
    { context, faults }: Parts,
    { complete, batch }: Completion,
    flusher: Flusher | undefined,
    resetAll: ResetAll | undefined,
    blocking: boolean,
  ) {
    this.#context = context;
    this.#complete = complete;
    this.#batch = batch;
    this.#initHctx = faults.init_hctx;
    this.#flusher = flusher;
    this.#resetAll = resetAll;
    if (blocking) this.queueRqBlocking = async (request) => this.queueRq(request);
  }

  /** Has the driver begun nothing that goes on, and put off nothing? Flushes may go on: a cache writes back
   *  when it likes. @param hctxs of the device. */
  isQuiet(hctxs: Iterable<{ readonly data: NullHctxData }>): boolean {
    if (this.#resetAll?.busy === true) return false;
    for (const { data } of hctxs) if (data.polled.length > 0) return false;
    return true;
  }

  makeRequestData(): NullRequestData {
    return new NullRequestData();
  }

  makeHctxData(): NullHctxData {
    return new NullHctxData();
  }

  queueRq(request: IdleRequest<NullData>): Status {
    const { gate } = this;
    if (gate !== undefined) {
      const status = gate(request);
      if (status === undefined) return Status.OK;
      if (status !== Status.OK) return status;
    }
    const owned = request.start();
    if ((owned.flags() & RequestFlag.POLLED) === 0) {
      this.#process(owned);
      return Status.OK;
    }
    // The gate judges it only when it is polled for.
    if (gate === undefined) owned.data().fakeTimeout = false;
    leaveToPoll(owned);
    return Status.OK;
  }

  /** With a gate they are issued one by one: a request that it turns away holds up those behind it. */
  queueRqs(requests: RequestList<NullData>): void {
    if (this.gate !== undefined) return;
    this.#batch?.begin();
    for (let next = requests.take(); next !== undefined; next = requests.take()) this.queueRq(next);
    this.#batch?.end();
  }

  complete(request: ARef<NullData>): void {
    request.complete(request.status());
  }

  poll(hctx: Hctx<NullData>): number {
    const batch = hctx.data.polled;
    hctx.data.polled = [];
    this.#batch?.begin();
    for (const request of batch) this.#process(request);
    this.#batch?.end();
    return batch.length;
  }

  *giveUp(hctx: Hctx<NullData>, status: Status): Work {
    this.#flusher?.giveUp(status);
    this.#resetAll?.giveUp(status);
    let ended = 0;
    // A poll may have processed some of them meanwhile.
    for (let one = hctx.data.polled.pop(); one !== undefined; one = hctx.data.polled.pop()) {
      one.end(status);
      if (++ended % ENDS_PER_PIECE === 0) yield;
    }
    for (const reference of hctx.set.shared(hctx)) {
      if (!reference.data().giveUp(this.#context, reference, status)) reference.drop();
      if (++ended % ENDS_PER_PIECE === 0) yield;
    }
  }

  initHctx(): Status {
    return this.#initHctx.shouldFail() ? Status.NOSPC : Status.OK;
  }

  /** Only a fake timeout counts: a request that takes long has its reasons. */
  requestTimeout(request: ARef<NullData>): TimeoutVerdict {
    const data = request.data();
    if (!data.leftAlone) return 'reset';
    data.leftAlone = false;
    request.complete(Status.TIMEOUT);
    return 'done';
  }

  #process(request: NullOwned): void {
    if (this.gate !== undefined && request.data().fakeTimeout) {
      request.data().leftAlone = true;
      request.intoShared().drop();
      return;
    }
    if (request.command() === Command.FLUSH && this.#flusher !== undefined) {
      this.#flusher.take(request);
      return;
    }
    if (request.command() === Command.ZONE_RESET_ALL && this.#resetAll !== undefined) {
      this.#resetAll.take(request);
      return;
    }
    this.execute(request, request.sectors());
    this.#complete(request);
  }
}
