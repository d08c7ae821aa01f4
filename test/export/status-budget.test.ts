/** Queries for extents take turns. */

import { expect, test } from 'vitest';
import { StatusBudget } from '../../src/export/status-budget.ts';
import { Deferred } from '../../src/time/deferred.ts';

/** Needs so many turns, and takes all there is in each. */
class Greedy {
  readonly #budget: StatusBudget;
  readonly #log: string[];
  readonly #name: string;
  left: number;

  constructor(budget: StatusBudget, log: string[], name: string, turns: number) {
    this.#budget = budget;
    this.#log = log;
    this.#name = name;
    this.left = turns;
  }

  statusTurn(): void {
    const { runs } = this.#budget;
    if (runs > 0 && this.left > 0) {
      this.left--;
      this.#log.push(this.#name);
      this.#budget.spent(runs);
    }
    if (this.left > 0) this.#budget.wait(this);
  }
}

test('a turn has so many runs for all, and they go round', () => {
  const deferred = new Deferred();
  const budget = new StatusBudget(deferred);
  const log: string[] = [];
  for (const [name, turns] of [
    ['a', 3],
    ['b', 1],
    ['c', 2],
  ] as const) {
    new Greedy(budget, log, name, turns).statusTurn();
  }
  expect(log).toEqual(['a']);
  for (let turn = 2; deferred.pending; turn++) {
    deferred.run();
    expect(log.length).toBeLessThanOrEqual(turn);
  }
  expect(log.join('')).toBe('aabcac');
});

test('with little left it is not worth beginning, but in the next turn there is all', () => {
  const deferred = new Deferred();
  const budget = new StatusBudget(deferred);
  const all = budget.runs;
  budget.spent(all - 100);
  expect(budget.runs).toBe(0);
  deferred.run();
  expect(budget.runs).toBe(all);
  expect(deferred.pending).toBe(false);
});

test('nobody passes by those who wait', () => {
  const deferred = new Deferred();
  const budget = new StatusBudget(deferred);
  budget.spent(budget.runs);
  let served = 0;
  budget.wait({ statusTurn: () => void served++ });
  expect(budget.runs).toBe(0);
  deferred.run();
  expect(served).toBe(1);
  expect(budget.runs).toBeGreaterThan(0);
});
