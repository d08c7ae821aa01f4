/** Issues the requests of one hardware queue to a handler that may wait. Each request waits for the handler's
 *  answer to the one before; otherwise it would overtake a request that the handler refuses.
 *  Source: driver.md section 2; rnull-series 41; parameter blocking. */

import { bug } from '../units.ts';
import type { DriverData } from './driver-data.ts';
import type { Operations } from './operations.ts';
import type { Handles, Slot } from './owned.ts';
import type { Status } from './status.ts';

type Handler<D extends DriverData> = NonNullable<Operations<D>['queueRqBlocking']>;

/** The hardware queue whose requests it issues. */
interface Issuer<D extends DriverData> {
  readonly set: { readonly handles: Handles<D> };
  /** The next request to issue, with its payload parked. Undefined: there is none now. */
  nextHeld(): Slot<D> | undefined;
  /** The handler's answer. */
  answered(request: Slot<D>, status: Status): void;
}

export class BlockingHandler<D extends DriverData = DriverData> {
  /** Requests in the handler. */
  waiting = 0;
  readonly #handler: Handler<D>;
  readonly #issuer: Issuer<D>;

  constructor(handler: Handler<D>, issuer: Issuer<D>) {
    this.#handler = handler;
    this.#issuer = issuer;
  }

  issueNext(): void {
    const request = this.waiting > 0 ? undefined : this.#issuer.nextHeld();
    if (request === undefined) return;
    this.waiting++;
    this.#handler(this.#issuer.set.handles.idle(request)).then(
      (status) => {
        this.waiting--;
        this.#issuer.answered(request, status);
      },
      (reason: unknown) => {
        queueMicrotask(() => bug(`tag ${request.tag}: the handler threw: ${String(reason)}`));
      },
    );
  }
}
