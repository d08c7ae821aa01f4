/** What a session of a client is made with: the connection that it belongs to, and what it shares with
 *  all others. */

import type { OnClientFault } from 'nbd-server-protocol-ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import type { ScratchPool } from '../pages/scratch.ts';
import type { Deferred } from '../time/deferred.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { StatusBudget } from './status-budget.ts';

/** What a session asks of the connection it belongs to. */
export interface SessionHost {
  /** In the deferred context: what held the session up is over; call `proceed`, then go on with further
   *  commands. */
  sessionReady(quota: number): void;
  /** In the deferred context: nothing is in flight any more. */
  sessionIdle(): void;
  /** Hears of each rule that the client breaks and is served all the same. */
  readonly onClientFault: OnClientFault;
}

export interface SessionContext {
  readonly allocator: SlabAllocator;
  readonly scratch: ScratchPool;
  readonly deferred: Deferred;
  /** Data of one client in flight: with more of it no further command is taken. */
  readonly inFlightMax: number;
  /** Data of all clients in flight. */
  readonly budget: ByteBudget;
  readonly statusBudget: StatusBudget;
}
