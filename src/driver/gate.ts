/** What may keep an issued request from the device: the timeout and requeue faults and the bandwidth limit,
 *  in that order. If none is on there is no gate, and no cost.
 *  Source: driver.md section 3 (steps 1 and 2). */

import type { IdleRequest } from '../block/owned.ts';
import { Status } from '../block/status.ts';
import type { NullData } from './completion.ts';
import type { Fault } from './faults.ts';
import type { Throttle } from './throttle.ts';

/** OK: go on. A resource status: not taken. Undefined: requeued. */
export type Gate = (request: IdleRequest<NullData>) => Status | undefined;

export interface Faults {
  readonly timeout: Fault;
  readonly requeue: Fault;
  readonly init_hctx: Fault;
}

/** @returns undefined when nothing can stop a request, with the faults as they are set now. */
export function composeGate(faults: Faults, throttle: Throttle | undefined): Gate | undefined {
  const { timeout, requeue } = faults;
  if (!mayStrike(timeout) && !mayStrike(requeue)) return throttle && throttleGate(throttle);
  let requeueNext = false;
  return (request) => {
    request.data().fakeTimeout = timeout.shouldFail();
    if (requeue.shouldFail()) {
      // In turns: a resource status, and a requeue by the driver.
      requeueNext = !requeueNext;
      if (requeueNext) return Status.RESOURCE;
      request.start().requeue(true);
      return undefined;
    }
    return throttle === undefined || throttle.admit(request.bytes()) ? Status.OK : Status.RESOURCE;
  };
}

function throttleGate(throttle: Throttle): Gate {
  return (request) => {
    // The fault may have chosen it before it was switched off.
    request.data().fakeTimeout = false;
    return throttle.admit(request.bytes()) ? Status.OK : Status.DEV_RESOURCE;
  };
}

function mayStrike(fault: Fault): boolean {
  return fault.value('probability') > 0 && fault.value('times') !== 0;
}
