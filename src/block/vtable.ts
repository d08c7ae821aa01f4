/** Which optional operations a driver has: the disk checks once, when it is built. Later changes of the
 *  driver have no effect.
 *  Source: rnull-series 46. */

import type { DriverData } from './driver-data.ts';
import type { Operations } from './operations.ts';

/** Mandatory operations are called on the driver itself. */
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
