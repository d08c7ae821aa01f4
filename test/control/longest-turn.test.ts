/** How much of the longest control work fits into one turn of the event loop: counted in units of work, not
 *  timed. limits.ts; slicer.ts. */

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { Directory } from '../../src/control/directory.ts';
import { limits } from '../../src/control/limits.ts';
import { Devices } from '../../src/driver/devices.ts';
import { NullDevice } from '../../src/driver/null-device.ts';
import { RangeList } from '../../src/driver/range-list.ts';
import { CacheMemory } from '../../src/driver/storage/cache-memory.ts';
import { ZoneSet } from '../../src/driver/zones/zone-set.ts';
import { ZoneStates } from '../../src/driver/zones/zone-states.ts';
import { nanoseconds } from '../../src/units.ts';
import { World } from '../block/world.ts';
import { Io, wholeDevice } from '../driver/whole.ts';
import { writeBadBlocks } from '../driver/write-bad-blocks.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { counted, PIECES } from './counted.ts';
import { mostPerTurn } from './per-turn.ts';
import { serve } from './served.ts';

const DEVICE = '/v1/devices/nullb0';
/** One may have begun when the clock says that the time is over. */
const PIECES_MAX = PIECES + 1;

/** Counts the calls of methods, which otherwise work as before. */
function calls<T extends object, K extends keyof T & string>(of: T, ...methods: K[]): () => number {
  let count = 0;
  for (const method of methods) {
    const before = of[method];
    if (typeof before !== 'function') throw new TypeError(`${method} is not a method`);
    Reflect.set(of, method, function counting(this: unknown, ...args: unknown[]): unknown {
      count++;
      return Reflect.apply(before, this, args);
    });
    onTestFinished(() => void Reflect.set(of, method, before));
  }
  return () => count;
}

describe('1000 devices', () => {
  test('are made, listed, measured and removed a few a turn', async () => {
    const { ask } = await serve({}, { slicer: counted().slicer });
    const names = Array.from({ length: 1000 }, (_, n) => `/v1/devices/d${n}`);
    const each = async (method: string, status: number, json?: object): Promise<void> => {
      const all = names.map((name) => ask(method, name, json === undefined ? {} : { json }));
      const ends = await Promise.all(all);
      expect(new Set(ends.map((one) => one.status))).toEqual(new Set([status]));
    };
    const work = [
      ['made', calls(Devices.prototype, 'create'), 1, () => each('PUT', 201, { power: 1 })],
      ['listed', calls(Directory.prototype, 'view'), 1, () => ask('GET', '/v1/devices')],
      [
        'scraped',
        calls(NullDevice.prototype, 'counts'),
        limits.statsPerPiece.max,
        () => ask('GET', '/metrics'),
      ],
      ['removed', calls(Devices.prototype, 'remove'), 1, () => each('DELETE', 204)],
    ] as const;
    for (const [name, count, perPiece, act] of work) {
      const before = count();
      const end = mostPerTurn(count);
      await act();
      expect([name, count() - before]).toEqual([name, 1000]);
      expect(end()).toBeLessThanOrEqual(perPiece * PIECES_MAX);
    }
  });
});

describe('8 M zones', () => {
  const json = { zoned: 1, size: 8 << 20, zone_size: 1, memory_backed: 1 };
  const looks = () =>
    calls(ZoneStates.prototype, 'condition', 'setCondition', 'find', 'pointer', 'setPointer');

  test('are there at power on without a look at one of them', async () => {
    const { ask, device } = await serve({}, { slicer: counted().slicer });
    await ask('PUT', DEVICE, { json });
    const count = looks();
    expect((await ask('PATCH', DEVICE, { json: { power: 1 } })).status).toBe(200);
    expect(device().zones?.count).toBe(8 << 20);
    expect((await ask('GET', `${DEVICE}/stats`)).json).toMatchObject({ zones: { count: 8 << 20 } });
    expect((await ask('PATCH', DEVICE, { json: { power: 0 } })).status).toBe(200);
    expect(count()).toBeLessThan(100);
  });

  test('are reported some hundreds a turn', async () => {
    const { ask } = await serve({}, { slicer: counted().slicer });
    await ask('PUT', DEVICE, { json: { ...json, power: 1 } });
    const count = calls(ZoneSet.prototype, 'info');
    const end = mostPerTurn(count);
    const from = 4 << 30;
    const { text } = await ask('GET', `${DEVICE}/zones?from=${from}&count=40000`);
    expect(text).toContain(`"start":${from},`);
    expect(count()).toBe(40_000);
    expect(end()).toBeLessThanOrEqual(limits.zonesPerPiece.max * PIECES_MAX);
  });
});

test('100,000 bad ranges are read some hundreds a turn', async () => {
  const { ask, device } = await serve({}, { slicer: counted().slicer });
  const lines = Array.from({ length: 100_000 }, (_, n) => `+${n * 16}-${n * 16 + 1}`);
  writeBadBlocks(device().badBlocks, lines.join('\n'));
  let ranges = 0;
  const iterate = RangeList.prototype[Symbol.iterator];
  vi.spyOn(RangeList.prototype, Symbol.iterator).mockImplementation(function* (this: RangeList) {
    for (const one of iterate.call(this)) {
      ranges++;
      yield one;
    }
  });
  onTestFinished(() => void vi.restoreAllMocks());
  for (const path of [`${DEVICE}/attributes/badblocks`, DEVICE]) {
    const before = ranges;
    const end = mostPerTurn(() => ranges);
    const { text } = await ask('GET', path);
    expect(text).toContain(`${99_999 * 16} 2`);
    expect(ranges - before).toBe(100_000);
    expect(end()).toBeLessThanOrEqual(limits.rangesPerPiece.max * PIECES_MAX);
  }
});

describe('1 TiB of data space, some of it held', () => {
  /** Slabs, or pages of the cache, each far from the next. */
  const HELD = 2048;

  test.each([
    ['without a cache', [], 64],
    ['with a cache', ['cache_size=512'], 16],
  ])('is removed a few a turn: %s', async (_, words, perPiece) => {
    const allocator = new CountingAllocator();
    const world = new World();
    const size = 1 << 20;
    const all = ['memory_backed=1', `size=${size}`, ...words];
    const { devices, disk, device } = wholeDevice(world, all, { allocator });
    for (let n = 0; n < HELD; n++) {
      const page = new Io(Command.WRITE, (n * size * 2048) / HELD, 8, new Uint8Array(4096));
      expect(page.submit(disk).status).toBe(Status.OK);
    }
    const pages = calls(CacheMemory.prototype, 'give');
    const isCached = device.stats().cache !== null;
    const count = (): number => (isCached ? pages() : HELD - allocator.live.size);
    expect(count()).toBe(0);
    vi.spyOn(world.clock, 'now').mockImplementation(() => {
      world.time += 200_000 / PIECES;
      return nanoseconds(world.time);
    });
    let gone = false;
    devices.remove('nullb0').then(() => {
      gone = true;
    });
    let [most, before] = [0, 0];
    while (count() > before || !gone) {
      most = Math.max(most, count() - before);
      before = count();
      world.deferred.run();
      await Promise.resolve();
    }
    expect([count(), allocator.live.size]).toEqual([HELD, 0]);
    expect(most).toBeLessThanOrEqual(perPiece * PIECES_MAX);
  });
});
