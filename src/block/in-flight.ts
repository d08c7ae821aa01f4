/** What is in flight on a disk, for observers. */

import type { Command } from './command.ts';
import type { DriverData } from './driver-data.ts';
import type { Slot } from './owned.ts';
import { RequestState } from './request.ts';
import type { RequestQueue } from './request-queue.ts';

/** A request with a tag, as it was when the walk reached it. */
export interface InFlightRequest {
  readonly tag: number;
  /** Index of its hardware queue. */
  readonly hctx: number;
  readonly command: Command;
  readonly sector: number;
  readonly sectors: number;
  /** The driver has the request. */
  readonly started: boolean;
  /** COUNT. */
  readonly count: number;
  /** When it was handed to its hardware queue, in ns. */
  readonly issuedAt: number;
}

/** How many tags are looked at, or requests found, in one piece of some 20 us. */
const LOOKS_PER_PIECE = 1024;
const FOUND_PER_PIECE = 8;

/** The requests, piece by piece, each as it is when the walk reaches it. With tens of thousands of tags most
 *  pieces are empty. */
export function* lookForRequests<D extends DriverData>(
  queue: RequestQueue<D>,
): Generator<readonly InFlightRequest[]> {
  let found: InFlightRequest[] = [];
  let looks = 0;
  for (const set of new Set(Array.from(queue.hctxs(), (hctx) => hctx.set))) {
    for (const slot of set.requests) {
      if (slot.state !== RequestState.FREE && slot.hctx.queue === queue) found.push(seen(slot));
      if (++looks < LOOKS_PER_PIECE && found.length < FOUND_PER_PIECE) continue;
      yield found;
      found = [];
      looks = 0;
    }
  }
  yield found;
}

function seen<D extends DriverData>(slot: Slot<D>): InFlightRequest {
  const { tag, command, sector, sectors, issuedAt } = slot;
  const started = slot.state === RequestState.STARTED;
  return {
    tag,
    hctx: slot.hctx.index,
    command,
    sector,
    sectors,
    started,
    count: slot.count(),
    issuedAt,
  };
}
