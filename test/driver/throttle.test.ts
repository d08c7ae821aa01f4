import { describe, expect, test } from 'vitest';
import { Throttle } from '../../src/driver/throttle.ts';
import { KiB, MiB } from '../../src/units.ts';
import { World } from '../block/world.ts';

const TICK = 20e6; // ns
/** What 1 MiB/s lets pass in a tick. */
const BUDGET = 20_971;

class Device {
  readonly world = new World();
  readonly throttle: Throttle;
  stopped = false;
  stops = 0;
  starts = 0;

  constructor(mbps: number) {
    this.throttle = new Throttle(mbps, this.world, {
      stopHwQueues: () => {
        this.stopped = true;
        this.stops++;
      },
      startHwQueues: () => {
        this.stopped = false;
        this.starts++;
      },
    });
  }

  /** How many of `count` requests pass before one is refused. */
  burst(bytes: number, count = 1000): number {
    for (let passed = 0; passed < count; passed++) {
      if (!this.throttle.admit(bytes)) return passed;
    }
    return count;
  }
}

const sizes = [512, 4 * KiB, 12 * KiB, 20 * KiB, 20_992, 127 * KiB, MiB + 512, 32 * MiB];
const rates = [1, 3, 10, 50, 777, 5000];

describe('requests that always wait pass at the limit', () => {
  test.each(sizes.flatMap((bytes) => rates.map((mbps) => [bytes, mbps] as const)))(
    '%i bytes each, %i MiB/s',
    (bytes, mbps) => {
      const { world, throttle } = new Device(mbps);
      const total = Math.max(400 * bytes, (mbps * MiB) / 3);
      let passed = 0;
      // Up to the refusal that ends it, so that the last tick counts whole.
      for (;;) {
        while (throttle.admit(bytes)) passed += bytes;
        if (passed >= total) break;
        world.pass(world.timers.next - world.time);
      }
      const rate = passed / (world.timers.next / 1e9);
      expect(Math.abs(rate / (mbps * MiB) - 1)).toBeLessThan(0.01);
    },
  );
});

test('timers that come late, by whole ticks too, lower no rate', () => {
  const { world, throttle } = new Device(10);
  let passed = 0;
  for (let turn = 0; turn < 1000; turn++) {
    while (throttle.admit(100 * KiB)) passed += 100 * KiB;
    world.pass(world.timers.next - world.time + (turn % 7) * 9e6);
  }
  const rate = passed / (world.time / 1e9);
  expect(Math.abs(rate / (10 * MiB) - 1)).toBeLessThan(0.01);
});

test('a program that was stopped for an hour makes up for a second at most', () => {
  const device = new Device(1);
  device.burst(4096);
  device.world.pass(3600e9);
  expect(device.burst(4096)).toBe(Math.floor((50 * BUDGET) / 4096));
});

test('requests of all sizes mixed pass at the limit', () => {
  const { world, throttle } = new Device(20);
  let passed = 0;
  for (let i = 0; passed < 2000 * MiB; i++) {
    const bytes = sizes[(i * 7 + (i >> 3)) % sizes.length] ?? 0;
    while (!throttle.admit(bytes)) world.pass(world.timers.next - world.time);
    passed += bytes;
  }
  const rate = passed / (world.time / 1e9);
  expect(Math.abs(rate / (20 * MiB) - 1)).toBeLessThan(0.02); // the last one's debt is not waited for
});

test('a refusal stops the queues; the next tick starts them', () => {
  const device = new Device(1);
  expect(device.burst(4096)).toBe(5);
  expect([device.stops, device.stopped]).toEqual([1, true]);
  device.world.pass(TICK - 1);
  expect(device.stopped).toBe(true);
  device.world.pass(1);
  expect([device.starts, device.stopped]).toEqual([1, false]);
  expect(device.throttle.admit(4096)).toBe(true);
});

test('while one waits, nobody passes it', () => {
  const device = new Device(1);
  device.burst(4096);
  expect(device.throttle.admit(1)).toBe(false);
  expect(device.stops).toBe(1);
});

test('what has no length passes, and is not charged', () => {
  const device = new Device(1);
  for (let i = 0; i < 100; i++) expect(device.throttle.admit(0)).toBe(true);
  expect(device.burst(4096)).toBe(5);
  expect(device.throttle.admit(0)).toBe(true);
});

test('budget that nobody waited for is not kept', () => {
  const device = new Device(1);
  device.throttle.admit(512);
  device.world.pass(10 * TICK);
  expect(device.burst(512)).toBe(Math.floor(BUDGET / 512));
});

test('without a request that waits there is no timer', () => {
  const device = new Device(1);
  expect(device.world.timers.count).toBe(0);
  device.throttle.admit(4096);
  expect(device.world.timers.count).toBe(0);
  device.burst(4096);
  expect(device.world.timers.count).toBe(1);
  device.world.pass(TICK);
  expect(device.world.timers.count).toBe(0);
});

test('a request above a whole budget passes at once, and its debt is paid before the next', () => {
  const device = new Device(1);
  expect(device.throttle.admit(10 * BUDGET)).toBe(true);
  expect(device.throttle.admit(512)).toBe(false);
  device.world.pass(10 * TICK - 1);
  expect(device.starts).toBe(0);
  device.world.pass(1);
  expect(device.throttle.admit(512)).toBe(true);
});

test('a debt is paid by time that passes idle, too', () => {
  const paid = new Device(1);
  paid.throttle.admit(10 * BUDGET);
  paid.world.pass(11 * TICK);
  expect(paid.burst(4096)).toBe(5);
  const owing = new Device(1);
  owing.throttle.admit(10 * BUDGET);
  owing.world.pass(5 * TICK);
  expect(owing.throttle.admit(512)).toBe(false);
});

test('a large request waits for a tick of its own, and then passes', () => {
  const device = new Device(1);
  device.throttle.admit(512);
  expect(device.throttle.admit(BUDGET + 1)).toBe(false);
  device.world.pass(TICK);
  expect(device.throttle.admit(BUDGET + 1)).toBe(true);
});

test('after stop everything passes, and what waits is let go at once', () => {
  const device = new Device(1);
  device.burst(4096);
  device.throttle.stop();
  expect([device.stopped, device.starts, device.world.timers.count]).toEqual([false, 1, 0]);
  expect(device.burst(MiB)).toBe(1000);
  device.throttle.stop();
  expect(device.starts).toBe(1);
});
