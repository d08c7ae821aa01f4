/** The deferred context, our softirq: work raised during a batch runs after that batch, before the program
 *  sleeps. First in, first out; raising work that is raised already does nothing. */

import { bug } from '../units.ts';
import { ReusedList } from './reused-list.ts';
import { Turns } from './turns.ts';

export interface DeferredWork {
  /** Kept by `Deferred`; begins false. */
  raised: boolean;
  runDeferred(): void;
}

/** Passes over the queue in one turn: work may raise work, but must not keep sockets waiting. */
const PASSES_PER_TURN = 8;

export class Deferred {
  #raised = new ReusedList<DeferredWork>();
  #running = new ReusedList<DeferredWork>();
  readonly #later = new ReusedList<DeferredWork>();
  readonly #turns: Turns;
  #walking = false;

  /** @param turns the turns that run it; by default the caller runs it. */
  constructor(turns = new Turns()) {
    this.#turns = turns;
  }

  get pending(): boolean {
    return this.#raised.count > 0 || this.#later.count > 0;
  }

  raise(work: DeferredWork): void {
    if (work.raised) return;
    work.raised = true;
    this.#raised.push(work);
    this.#turns.need();
  }

  /** Raises `work` for the next turn, after the sockets had theirs: for long work done in slices. */
  raiseNextTurn(work: DeferredWork): void {
    if (work.raised) return;
    work.raised = true;
    this.#later.push(work);
    this.#turns.need();
  }

  /** Runs raised work, and the work that it raises, a bounded number of times. */
  run(): void {
    const later = this.#later;
    if (later.count > 0) {
      for (let at = 0; at < later.count; at++) {
        const work = later.at(at);
        if (work !== undefined) this.#raised.push(work);
      }
      later.clear();
    }
    this.runAgain();
  }

  /** The same later in a turn, without what waits for the next one. Never from within itself: the list
   *  that is walked would be emptied under the walk, and what was in it stay raised for ever. */
  runAgain(): void {
    if (this.#walking) bug('deferred work ran inside of deferred work');
    this.#walking = true;
    try {
      this.#walk();
    } finally {
      this.#walking = false;
    }
  }

  #walk(): void {
    for (let pass = 0; pass < PASSES_PER_TURN && this.#raised.count > 0; pass++) {
      const batch = this.#raised;
      this.#raised = this.#running;
      this.#running = batch;
      for (let at = 0; at < batch.count; at++) {
        const work = batch.at(at);
        if (work === undefined) continue;
        work.raised = false;
        work.runDeferred();
      }
      batch.clear();
    }
  }
}
