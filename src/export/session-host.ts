/** What a client's session is made with: its connection, and what it shares with all others. */

import type { OnClientFault } from 'nbd-server-protocol-ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import type { ScratchPool } from '../pages/scratch.ts';
import type { Deferred } from '../time/deferred.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { StatusBudget } from './status-budget.ts';

/** What a session needs from its connection. */
export interface SessionHost {
  /** In the deferred context: the obstacle is gone; call `proceed`, then go on with further commands. */
  sessionReady(quota: number): void;
  /** In the deferred context: nothing is in flight any more. */
  sessionIdle(): void;
  /** Hears of each rule that the client breaks while it is still served. */
  readonly onClientFault: OnClientFault;
}

export interface SessionContext {
  readonly allocator: SlabAllocator;
  readonly scratch: ScratchPool;
  readonly deferred: Deferred;
  /** Data of one client in flight: beyond this no further command is taken. */
  readonly inFlightMax: number;
  /** Data of all clients in flight. */
  readonly budget: ByteBudget;
  readonly statusBudget: StatusBudget;
}
