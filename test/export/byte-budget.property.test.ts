/** Bytes in flight of all clients: always bounded, and nobody waits for ever. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteBudget, type ByteShare } from '../../src/export/byte-budget.ts';

/** A client that has requests to make, one after the other, as the server makes them. */
class Client {
  readonly share: ByteShare;
  readonly inFlight: number[] = [];
  readonly #todo: number[];
  served = 0;

  constructor(budget: ByteBudget, todo: readonly number[]) {
    this.#todo = [...todo];
    this.share = budget.join(() => {
      this.mayGoOn = true;
    });
  }

  mayGoOn = true;

  get done(): boolean {
    return this.#todo.length === 0 && this.inFlight.length === 0;
  }

  /** Takes requests until it has to wait. */
  run(): void {
    for (let [next] = this.#todo; next !== undefined; [next] = this.#todo) {
      this.mayGoOn = false;
      if (!this.share.admits(next)) return;
      this.#todo.shift();
      this.share.take(next);
      this.inFlight.push(next);
    }
  }

  /** The oldest of its requests has its reply. */
  finish(): void {
    const bytes = this.inFlight.shift();
    if (bytes === undefined) return;
    this.served++;
    this.share.give(bytes);
  }
}

const MAX = 3000;

describe('a limit of 3000 bytes, requests of up to 1000', () => {
  const requests = fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 8 });
  const clients = fc.array(requests, { minLength: 1, maxLength: 12 });

  test('is never exceeded, and every request is served', () => {
    fc.assert(
      fc.property(clients, fc.infiniteStream(fc.nat(1000)), (todo, chance) => {
        const budget = new ByteBudget(MAX);
        const all = todo.map((one) => new Client(budget, one));
        for (let step = 0; all.some((one) => !one.done); step++) {
          expect(step).toBeLessThan(10_000);
          for (const one of all) if (one.mayGoOn) one.run();
          const inFlight = all.reduce((sum, one) => sum + one.share.bytes, 0);
          expect(inFlight).toBeLessThanOrEqual(MAX);
          const busy = all.filter((one) => one.inFlight.length > 0);
          if (all.some((one) => one.mayGoOn && !one.done)) continue;
          // With nothing in flight nobody may be waiting.
          if (busy.length === 0) expect(all.every((one) => one.done)).toBe(true);
          busy[(chance.next().value ?? 0) % Math.max(1, busy.length)]?.finish();
        }
        expect(budget.total).toBe(0);
        expect(all.map(({ served }) => served)).toEqual(todo.map(({ length }) => length));
      }),
    );
  });

  test('who goes away while waiting, granted or with data in flight leaves nothing behind', () => {
    fc.assert(
      fc.property(clients, fc.infiniteStream(fc.nat(1000)), (todo, chance) => {
        const budget = new ByteBudget(MAX);
        const all = todo.map((one) => new Client(budget, one));
        for (const one of all) one.run();
        const stays = all.filter((one) => {
          if ((chance.next().value ?? 0) % 2 === 0) return true;
          // Its commands run on, and their bytes come back later.
          one.share.leave();
          return false;
        });
        for (let round = 0; all.some((one) => one.inFlight.length > 0); round++) {
          expect(round).toBeLessThan(200);
          for (const one of all) one.finish();
          for (const one of stays) if (one.mayGoOn) one.run();
        }
        expect(stays.every((one) => one.done)).toBe(true);
        expect(budget.total).toBe(0);
      }),
    );
  });
});

test('one client that holds all it can leaves others their even share, at once', () => {
  const budget = new ByteBudget(MAX);
  const [greedy, other] = [new Client(budget, Array(30).fill(100)), new Client(budget, [500, 500])];
  greedy.run();
  expect(greedy.share.bytes).toBe(2000);
  other.run();
  expect(other.share.bytes).toBe(500); // a third between two
  other.finish();
  expect(other.mayGoOn).toBe(true);
  other.run();
  other.finish();
  expect(other.done).toBe(true);
});

test('beyond that it is served in turn, before whoever comes later', () => {
  const budget = new ByteBudget(MAX);
  const hog = new Client(budget, [1000, 1000]);
  const [first, second] = [new Client(budget, [800]), new Client(budget, [400])];
  hog.run();
  first.run();
  second.run();
  expect([first.share.bytes, second.share.bytes]).toEqual([0, 0]);
  hog.finish();
  expect([first.mayGoOn, second.mayGoOn]).toEqual([true, false]);
  first.run();
  hog.finish();
  expect(second.mayGoOn).toBe(true);
});

test('without a limit everything is admitted', () => {
  const share = new ByteBudget(0).join(() => {});
  for (let n = 0; n < 100; n++) {
    expect(share.admits(2 ** 40)).toBe(true);
    share.take(2 ** 40);
  }
});
