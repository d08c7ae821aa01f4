/** How long BLOCK_STATUS may keep everybody else waiting: a number of runs in a turn, for all clients
 *  together; later ones wait in line for the next turn. Knows no sockets. */

import type { Deferred, DeferredWork } from '../time/deferred.ts';

/** 3 ms of work. */
const RUNS_PER_TURN = 2 ** 16;
/** With less left it is better not to begin: the answer would be cut short. */
const RUNS_LEAST = 2 ** 13;

export interface StatusWaiter {
  /** It is its turn: it may work now. */
  statusTurn(): void;
}

export class StatusBudget implements DeferredWork {
  raised = false;
  readonly #deferred: Deferred;
  #left = RUNS_PER_TURN;
  #line: StatusWaiter[] = [];
  /** The first in the line is being served. */
  #serving = false;

  constructor(deferred: Deferred) {
    this.#deferred = deferred;
  }

  /** How many runs may be looked at now; 0: wait. */
  get runs(): number {
    const free = this.#serving || this.#line.length === 0;
    return free && this.#left >= RUNS_LEAST ? this.#left : 0;
  }

  spent(runs: number): void {
    this.#left -= runs;
    this.#deferred.raiseNextTurn(this);
  }

  wait(waiter: StatusWaiter): void {
    this.#line.push(waiter);
    this.#deferred.raiseNextTurn(this);
  }

  runDeferred(): void {
    this.#left = RUNS_PER_TURN;
    this.#serving = true;
    const line = this.#line;
    this.#line = [];
    let served = 0;
    for (; served < line.length && this.#left >= RUNS_LEAST; served++) line[served]?.statusTurn();
    // A command that is not done, or comes again meanwhile, goes behind all that were there.
    this.#line = [...line.slice(served), ...this.#line];
    this.#serving = false;
    if (this.#line.length > 0) this.#deferred.raiseNextTurn(this);
  }
}
