/** What a driver implements. Only `queueRq` and `makeRequestData` are mandatory; the disk checks once, when
 *  it is built, which of the others exist.
 *  Source: driver.md section 2, Queue services. */

import type { Work } from '../time/slicer.ts';
import type { DriverData } from './driver-data.ts';
import type { ARef, Hctx, IdleRequest } from './owned.ts';
import type { RequestList } from './request-list.ts';
import type { Status } from './status.ts';

/** The driver's answer about a request that timed out: it ended the request, or it wants another period. */
export type TimeoutVerdict = 'done' | 'reset';

export interface Operations<D extends DriverData = DriverData> {
  /** The driver's data of one request slot; called when the tag set is made, never per I/O. */
  makeRequestData(): D['request'];
  /** The driver's data of a hardware queue, made with it. Without this method it has none. */
  makeHctxData?(): D['hctx'];
  /** Takes one request. OK: the driver has it (and may have ended it). A resource status: the request is
   *  unharmed and is issued again later. Any other status ends it.
   *  `isLast`: no other request follows in this batch. */
  queueRq(request: IdleRequest<D>, isLast: boolean): Status;
  /** Takes a batch; requests that it leaves in the list are issued one by one. */
  queueRqs?(requests: RequestList<D>): void;
  /** A batch ended without its last request being issued. */
  commitRqs?(hctx: Hctx<D>): void;
  /** The deferred completion of a request that was given to `hctx.completeLater`. */
  complete?(request: ARef<D>): void;
  /** A blocking driver: may wait. Only called where the tag set is blocking. */
  queueRqBlocking?(request: IdleRequest<D>): Promise<Status>;
  /** Completes what waits on a polled queue. The driver must call `hctx.pollSoon` each time it leaves
   *  something there; this call follows. @returns how many. */
  poll?(hctx: Hctx<D>): number;
  /** A hardware queue is made. Anything but OK: the disk is not built. */
  initHctx?(hctx: Hctx<D>): Status;
  exitHctx?(hctx: Hctx<D>): void;
  /** Ends with `status` every request of this hardware queue that the driver has, in pieces; it gets nothing
   *  more. `hctx.set.shared` has the requests that the driver keeps as an `ARef` or not at all. */
  giveUp?(hctx: Hctx<D>, status: Status): Work;
  /** The request is in flight for longer than the tag set's timeout. `request` is a reference of the sweep's
   *  own; 'done' says that the driver completed the request with it. */
  requestTimeout?(request: ARef<D>): TimeoutVerdict;
}
