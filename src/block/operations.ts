/** What a driver implements. Only `queueRq` and `makeRequestData` must be there; which of the others
 *  are is found out once, when the disk is built. Source: driver.md section 2, Queue services. */

import type { Work } from '../time/slicer.ts';
import type { DriverData } from './driver-data.ts';
import type { ARef, Hctx, IdleRequest } from './owned.ts';
import type { RequestList } from './request-list.ts';
import type { Status } from './status.ts';

/** What a timed-out request's driver says: it ended it, or it wants another period. */
export type TimeoutVerdict = 'done' | 'reset';

export interface Operations<D extends DriverData = DriverData> {
  /** The driver's data of one request slot; called when the tag set is made, never per I/O. */
  makeRequestData(): D['request'];
  /** The driver's data of a hardware queue, made with it. Without this it has none. */
  makeHctxData?(): D['hctx'];
  /** Takes one request. OK: the driver has it (and may have ended it). A resource status: it is
   *  issued again later, unharmed. Anything else ends it with that status.
   *  `isLast`: no other follows in this batch. */
  queueRq(request: IdleRequest<D>, isLast: boolean): Status;
  /** Takes a batch; what it leaves in the list is issued one by one. */
  queueRqs?(requests: RequestList<D>): void;
  /** A batch ended without its last request being issued. */
  commitRqs?(hctx: Hctx<D>): void;
  /** The deferred completion of a request that was given to `hctx.completeLater`. */
  complete?(request: ARef<D>): void;
  /** A blocking driver: may wait. Only called where the tag set is blocking. */
  queueRqBlocking?(request: IdleRequest<D>): Promise<Status>;
  /** Completes what waits on a polled queue; called after `hctx.pollSoon`, which the driver owes each time
   *  that it leaves something there. @returns how many. */
  poll?(hctx: Hctx<D>): number;
  /** A hardware queue is made. Anything but OK: the disk is not built. */
  initHctx?(hctx: Hctx<D>): Status;
  exitHctx?(hctx: Hctx<D>): void;
  /** Ends with `status` all that it has of this hardware queue, whatever it waits for, in pieces; it gets
   *  nothing more. `hctx.set.shared` has those of its requests that it keeps as an `ARef` or not at all. */
  giveUp?(hctx: Hctx<D>, status: Status): Work;
  /** The request is in flight for longer than the tag set's timeout; `request` is a reference of
   *  the sweep's own: 'done' says that it was used to complete the request. */
  requestTimeout?(request: ARef<D>): TimeoutVerdict;
}
