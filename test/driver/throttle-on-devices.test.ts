/** The bandwidth limit on a whole device: it stops and starts the queues, and waits without work.
 *  driver.md section 4, Bandwidth; rnull-series 40, 35, 71. */

import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import type { Timer } from '../../src/time/timer-queue.ts';
import { TimerQueue } from '../../src/time/timer-queue.ts';
import { nanoseconds } from '../../src/units.ts';
import { World } from '../block/world.ts';
import { bytesAt, command, read, wholeDevice, write } from './whole.ts';

const MBPS = 10;
const WORDS = ['size=16', 'memory_backed=1', `mbps=${MBPS}`, 'hw_queue_depth=64'];
const TICK = 20e6;

/** A world that counts what happens in it, and goes straight from one timer to the next. */
class CountingWorld extends World {
  expiries = 0;
  settles = 0;
  override readonly timers = new (class extends TimerQueue {
    starts = 0;
    override start(timer: Timer, deadline: ReturnType<typeof nanoseconds>): void {
      this.starts++;
      super.start(timer, deadline);
    }
  })();

  /** Sleeps until the next timer, as pacing does. @returns false when nobody waits for time. */
  sleep(): boolean {
    const { next } = this.timers;
    if (next === Number.POSITIVE_INFINITY) return false;
    this.time = Math.max(this.time, next);
    this.expiries += this.timers.expire(nanoseconds(this.time));
    this.settle();
    return true;
  }

  override settle(): void {
    for (; this.deferred.pending; this.settles++) this.deferred.run();
  }
}

test('the rate is the limit, and it takes one expiry for each tick: nothing is busy waiting', () => {
  const world = new CountingWorld();
  const { disk } = wholeDevice(world, WORDS);
  const ios = Array.from({ length: 2560 }, (_, n) => write(n % 4000, 8, 1).submit(disk));
  while (ios.some(({ ends }) => ends === 0)) expect(world.sleep()).toBe(true);
  const seconds = world.time / 1e9;
  const megabytes = (ios.length * 4096) / 2 ** 20;
  expect(megabytes / seconds).toBeGreaterThan(MBPS * 0.97);
  expect(megabytes / seconds).toBeLessThan(MBPS * 1.05);
  const ticks = seconds * 50;
  expect(world.expiries).toBeLessThanOrEqual(ticks + seconds + 3); // and the sweep's once a second
  expect(world.settles).toBeLessThanOrEqual(3 * ticks + 10);
  expect(ios.every(({ status }) => status === Status.OK)).toBe(true);
  while (world.sleep());
  expect([world.timers.count, world.deferred.pending]).toEqual([0, false]);
});

describe('over budget', () => {
  test('the queues stop, nothing was processed, and all is issued again in order at the tick', () => {
    const world = new World();
    const { disk } = wholeDevice(world, WORDS);
    const budget = Math.floor(2 ** 20 / 50) * MBPS;
    const first = write(0, Math.floor(budget / 512), 1).submit(disk);
    expect(first.ends).toBe(1);
    const second = write(0, 8, 2).submit(disk);
    const third = write(4, 8, 3).submit(disk);
    const flush = command(Command.FLUSH).submit(disk);
    world.settle();
    expect([second.ends, third.ends, flush.ends]).toEqual([0, 0, 0]);
    expect([second.parked, third.parked]).toEqual([1, 1]); // their payloads outlive the receive buffer
    expect(disk.queue.inFlight).toBe(3);
    world.pass(TICK - 1);
    expect([second.ends, third.ends, flush.ends]).toEqual([0, 0, 0]);
    world.pass(1);
    expect([second.ends, third.ends, flush.ends]).toEqual([1, 1, 1]);
    expect(bytesAt(disk, 0, 13)).toEqual([2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 1]);
  });

  test('reads and writes share the budget, and all queues stop and start together', () => {
    const world = new CountingWorld();
    const { disk } = wholeDevice(world, [...WORDS, 'submit_queues=3']);
    const ios = Array.from({ length: 1280 }, (_, n) =>
      (n % 2 === 0 ? read(0, 8) : write(8, 8, 1)).submit(disk, n),
    );
    world.settle();
    while (ios.some(({ ends }) => ends === 0)) world.sleep();
    const rate = (ios.length * 4096) / 2 ** 20 / (world.time / 1e9);
    expect(rate).toBeGreaterThan(MBPS * 0.95);
    expect(rate).toBeLessThan(MBPS * 1.1);
  });

  test('a request larger than a whole budget passes, and is paid for by those after it', () => {
    const world = new CountingWorld();
    const { disk } = wholeDevice(world, WORDS);
    const large = write(0, 16_384, 1).submit(disk); // 8 MiB: 40 budgets
    expect(large.ends).toBe(1);
    const next = write(0, 8, 2).submit(disk);
    while (next.ends === 0) world.sleep();
    expect(world.time / 1e9).toBeGreaterThan(0.78);
    expect(world.time / 1e9).toBeLessThan(0.84);
  });
});

test.each([
  ['DISCARD', Command.DISCARD, 0],
  ['WRITE_ZEROES', Command.WRITE_ZEROES, 0],
  ['WRITE_ZEROES that keeps its memory', Command.WRITE_ZEROES, RequestFlag.NOUNMAP],
])('%s is charged as a write is, slice by slice', (_, zeroing, flags) => {
  const world = new CountingWorld();
  const { disk } = wholeDevice(world, [...WORDS, 'discard=1']);
  const large = command(zeroing, 0, 32_768); // 16 MiB: four slices
  large.bio.flags = flags;
  large.submit(disk);
  world.settle();
  while (large.ends === 0) world.sleep();
  const next = write(0, 8, 2).submit(disk);
  while (next.ends === 0) world.sleep();
  expect(world.time / 1e9).toBeGreaterThan((16 / MBPS) * 0.95);
  expect(world.time / 1e9).toBeLessThan((16 / MBPS) * 1.05);
});

test.each([['memory_backed=1', 'discard=1'], []])(
  'zeroes without end leave others their turn, holes or not (%s %s)',
  (...words) => {
    const world = new CountingWorld();
    const { disk } = wholeDevice(world, ['size=1048576', `mbps=${MBPS}`, ...words]);
    const endless = command(Command.WRITE_ZEROES, 0, 2 ** 31).submit(disk); // 29 hours
    world.settle();
    for (let n = 0; n < 3; n++) {
      const next = write(0, 8, 2).submit(disk);
      while (next.ends === 0) world.sleep();
    }
    expect(endless.ends).toBe(0);
    // A write waits for what has a tag already: slices of 4 MiB.
    expect(world.time / 1e9).toBeLessThan((3.1 * 64 * 4) / MBPS);
    // Without a tag for the next slice nothing is busy waiting.
    expect(world.settles).toBeLessThan(10 * world.expiries);
  },
);

test('an idle device with a limit has no timer', () => {
  const world = new World();
  const { disk } = wholeDevice(world, WORDS);
  expect(world.timers.count).toBe(0);
  write(0, 8, 1).submit(disk);
  for (let second = 0; second < 5; second++) world.pass(1e9);
  expect(world.timers.count).toBe(0);
});
