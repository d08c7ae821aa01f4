import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Throttle } from '../../src/driver/throttle.ts';
import { World } from '../block/world.ts';
import { testRuns } from '../test-runs.ts';

const TICK = 20e6; // ns
const BUDGET = 20_971;

/** The naive twin: goes through the ticks one by one, and tries what waits in each of them. */
class Model {
  #start = Number.NEGATIVE_INFINITY;
  #left = BUDGET;
  #used = false;

  /** When a request that comes at `time`, alone, passes. */
  passes(time: number, bytes: number): number {
    if (this.#start === Number.NEGATIVE_INFINITY) this.#start = time;
    let idle = 0;
    while (time >= this.#start + TICK) {
      this.#start += TICK;
      this.#left = Math.min(this.#left, 0) + BUDGET;
      this.#left = Math.min(this.#left, BUDGET);
      this.#used = false;
      idle++;
    }
    if (idle > 1) this.#start = time;
    let at = time;
    while (!this.#fits(bytes)) {
      this.#start += TICK;
      this.#left += BUDGET;
      this.#used = false;
      at = this.#start;
    }
    this.#left -= bytes;
    this.#used = true;
    return at;
  }

  #fits(bytes: number): boolean {
    if (bytes <= this.#left) return true;
    return bytes > BUDGET && !this.#used && this.#left >= BUDGET;
  }
}

const requests = fc.array(
  fc.record({
    after: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(5e6), fc.nat(100e6)),
    bytes: fc.oneof(
      fc.integer({ min: 1, max: 8 }).map((n) => n * 512),
      fc.constantFrom(512, 20_480, BUDGET, BUDGET + 1, 131_072),
    ),
  }),
  { maxLength: 100 },
);

test('one request after the other passes when the naive twin says', () => {
  const run = fc.property(requests, (list) => {
    const world = new World();
    const throttle = new Throttle(1, world, { stopHwQueues() {}, startHwQueues() {} });
    const model = new Model();
    for (const { after, bytes } of list) {
      world.pass(after);
      const want = model.passes(world.time, bytes);
      while (!throttle.admit(bytes)) world.pass(world.timers.next - world.time);
      expect(world.time).toBe(want);
      expect(world.timers.count).toBe(0);
    }
  });
  fc.assert(run, { numRuns: testRuns(300) });
});

test('in no window does more pass than the limit, two budgets and the last request', () => {
  const run = fc.property(requests, (list) => {
    const world = new World();
    const throttle = new Throttle(1, world, { stopHwQueues() {}, startHwQueues() {} });
    const passed: { time: number; bytes: number }[] = [];
    for (const { after, bytes } of list) {
      world.pass(after);
      while (!throttle.admit(bytes)) world.pass(world.timers.next - world.time);
      passed.push({ time: world.time, bytes });
    }
    passed.forEach((first, from) => {
      let sum = 0;
      for (const { time, bytes } of passed.slice(from)) {
        sum += bytes;
        const limit = ((time - first.time) / TICK) * BUDGET + 2 * BUDGET + bytes;
        expect(sum).toBeLessThanOrEqual(limit);
      }
    });
  });
  fc.assert(run, { numRuns: testRuns(100) });
});
