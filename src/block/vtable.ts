/** Which of the operations that a driver need not have it has: found out once, when its disk is built.
 *  What the driver grows or loses later changes nothing. Source: rnull-series 46. */

import type { DriverData } from './driver-data.ts';
import type { Operations } from './operations.ts';

/** What every driver has is called on the driver itself. */
type Always = 'makeRequestData' | 'queueRq';

export type Vtable<D extends DriverData = DriverData> = {
  readonly [K in Exclude<keyof Operations<D>, Always>]-?: Operations<D>[K] | undefined;
};

export function vtableOf<D extends DriverData>(operations: Operations<D>): Vtable<D> {
  return {
    makeHctxData: operations.makeHctxData?.bind(operations),
    queueRqs: operations.queueRqs?.bind(operations),
    commitRqs: operations.commitRqs?.bind(operations),
    complete: operations.complete?.bind(operations),
    queueRqBlocking: operations.queueRqBlocking?.bind(operations),
    poll: operations.poll?.bind(operations),
    initHctx: operations.initHctx?.bind(operations),
    exitHctx: operations.exitHctx?.bind(operations),
    giveUp: operations.giveUp?.bind(operations),
    requestTimeout: operations.requestTimeout?.bind(operations),
  };
}
