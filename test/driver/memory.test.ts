/** What whole devices do with data: memory or none, discard, limits that split, and memory that runs
 *  out. rnull-series 11, 13, 19, 20, 74 to 77. */

import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { World } from '../block/world.ts';
import { options } from '../config/words.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { errnoOf } from './errno.ts';
import { bytesAt, command, diskOf, Io, read, wholeDevice, wholeDevices, write } from './whole.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

const MEMORY = ['size=4', 'memory_backed=1'];

describe('memory_backed', () => {
  test('keeps what is written; what was never written is zeros', () => {
    const { disk, device } = wholeDevice(new World(), MEMORY);
    write(7, 9, 5).submit(disk);
    expect(bytesAt(disk, 6, 11)).toEqual([0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0]);
    expect(device.stats().memory.heldBytes).toBe(2 * 4096);
  });

  test('off: writes vanish, reads give zeros, and it takes no memory', () => {
    const allocator = new CountingAllocator();
    const { disk, device } = wholeDevice(new World(), ['size=4'], { allocator });
    expect(write(0, 8, 5).submit(disk).status).toBe(Status.OK);
    expect(bytesAt(disk, 0)).toEqual([0]);
    expect([allocator.takes, device.stats().memory.heldBytes]).toEqual([0, 0]);
  });
});

describe('discard', () => {
  test('gives memory back and leaves zeros, where it is accepted', () => {
    const { disk, device } = wholeDevice(new World(), [...MEMORY, 'discard=1']);
    write(0, 64, 5).submit(disk);
    expect(command(Command.DISCARD, 8, 40).submit(disk).status).toBe(Status.OK);
    expect([7, 8, 47, 48].map((at) => bytesAt(disk, at)[0])).toEqual([5, 0, 0, 5]);
    expect(device.stats().memory.heldBytes).toBe(3 * 4096);
  });

  test.each([
    ['without discard=1', MEMORY],
    ['without memory', ['size=4', 'discard=1']],
  ])('is EOPNOTSUPP %s, and nothing happens', (_, words) => {
    const { disk, device } = wholeDevice(new World(), words);
    write(0, 8, 5).submit(disk);
    const before = bytesAt(disk, 0);
    expect(command(Command.DISCARD, 0, 8).submit(disk).status).toBe(Status.NOTSUPP);
    expect(bytesAt(disk, 0)).toEqual(before);
    expect(device.stats().errors).toMatchObject({ EOPNOTSUPP: 1 });
  });

  test('a write of zeros keeps its memory only with NOUNMAP', () => {
    const { disk, device } = wholeDevice(new World(), MEMORY);
    write(0, 64, 5).submit(disk);
    const keep = command(Command.WRITE_ZEROES, 0, 32);
    keep.bio.flags = RequestFlag.NOUNMAP;
    keep.submit(disk);
    expect(device.stats().memory.heldBytes).toBe(8 * 4096);
    command(Command.WRITE_ZEROES, 32, 32).submit(disk);
    expect(device.stats().memory.heldBytes).toBe(4 * 4096);
    expect(bytesAt(disk, 0, 64)).toEqual(Array(64).fill(0));
  });
});

describe('limits of the disk', () => {
  const requests = (device: { stats(): { operations: object } }): unknown =>
    Object.entries(device.stats().operations)
      .map(([kind, { requests }]) => [kind, requests])
      .filter(([, count]) => count !== 0);

  test('max_hw_discard: a discard goes in slices of 4 MiB, others in between', () => {
    const world = new World();
    const { disk, device } = wholeDevice(world, ['size=64', 'memory_backed=1', 'discard=1']);
    expect(disk.limits.sliceSectors).toBe(8192);
    for (let at = 0; at < 16; at++) write(at * 8192, 8, 1).submit(disk);
    const all = command(Command.DISCARD, 0, 131_072).submit(disk);
    let between = 0;
    while (all.ends === 0) {
      world.deferred.run();
      expect(read(0, 8).submit(disk).ends).toBe(1);
      between++;
    }
    expect(between).toBeGreaterThanOrEqual(15);
    expect(requests(device)).toContainEqual(['discard', 16]);
    expect(device.stats().memory.heldBytes).toBe(0);
  });

  test.each([
    ['max_sectors=8', 8],
    ['max_sectors=255', 255], // odd, and honoured
    ['max_sectors=0', 0],
  ])('%s: longer requests are split, never refused', (word, limit) => {
    const { disk, device } = wholeDevice(new World(), [...MEMORY, word]);
    expect(disk.limits.maxSectors).toBe(limit);
    expect(write(3, 1000, 5).submit(disk).status).toBe(Status.OK);
    const parts = limit === 0 ? 1 : Math.ceil(1000 / limit);
    expect(requests(device)).toEqual([['write', parts]]);
    expect(bytesAt(disk, 3, 1000)).toEqual(Array(1000).fill(5));
  });

  test('each part of a request is judged alone: before and behind a bad block it is done', () => {
    const { disk, device } = wholeDevice(new World(), [...MEMORY, 'max_sectors=8']);
    writeBadBlocks(device.badBlocks, '+20-20');
    expect(write(0, 40, 5).submit(disk).status).toBe(Status.IOERR);
    writeBadBlocks(device.badBlocks, '-20-20');
    expect([15, 16, 23, 24].map((at) => bytesAt(disk, at)[0])).toEqual([5, 0, 0, 5]);
  });

  test('zeroes are cut as a write is, where their parts are judged alone', () => {
    const world = new World();
    const { disk, device } = wholeDevice(world, [...MEMORY, 'max_sectors=8']);
    write(0, 64, 5).submit(disk);
    writeBadBlocks(device.badBlocks, '+20-20');
    const zeroes = new Io(Command.WRITE_ZEROES, 0, 64).submit(disk);
    world.settle();
    expect(zeroes).toMatchObject({ ends: 1, status: Status.IOERR });
    writeBadBlocks(device.badBlocks, '-20-20');
    const left = Array.from({ length: 64 }, (_, at) => (at >= 16 && at < 24 ? 5 : 0));
    expect(bytesAt(disk, 0, 64)).toEqual(left);
  });

  test.each([
    ['virt_boundary=1', 3],
    ['virt_boundary=0', 1],
  ])('%s: a payload with gaps is %i requests', (word, parts) => {
    const { disk, device } = wholeDevice(new World(), [...MEMORY, word]);
    const io = new Io(Command.WRITE, 0, 18);
    // Pages that meet at page boundaries, then a piece that begins off one, and one that ends off it.
    for (const [start, length] of [
      [0, 4096],
      [0, 2048],
      [512, 2560],
      [0, 512],
    ] as const) {
      io.bio.segments.add(new Uint8Array(8192).fill(length >> 9), start, length);
    }
    expect(io.submit(disk)).toMatchObject({ ends: 1, status: Status.OK });
    expect(requests(device)).toEqual([['write', parts]]);
    expect(bytesAt(disk, 0, 18)).toEqual([
      ...Array(8).fill(8),
      ...Array(4).fill(4),
      ...Array(5).fill(5),
      1,
    ]);
  });
});

describe('memory that runs out', () => {
  test('is ENOSPC for that one request: the n-th slab, whichever it is', () => {
    for (let n = 1, hit = true; hit; n++) {
      const allocator = new CountingAllocator();
      allocator.failAt = n;
      const { disk, device } = wholeDevice(new World(), MEMORY, { allocator });
      const statuses = Array.from(
        { length: 4 },
        (_, at) => write(at * 512, 512, at + 1).submit(disk).status,
      );
      hit = statuses.includes(Status.NOSPC);
      expect(statuses.filter((status) => status !== Status.OK)).toEqual(hit ? [Status.NOSPC] : []);
      expect(disk.queue.tagSet.inFlight).toBe(0);
      expect(write(0, 2048, 9).submit(disk).status).toBe(Status.OK); // there is some again
      expect(device.stats().memory.heldBytes).toBe(1024 * 1024);
      expect(n).toBeLessThan(20);
    }
  });

  test('is ENOMEM at power on, when requests or queues cannot be had: the device stays off', () => {
    const device = wholeDevices(new World(), ['size=1']).create('nullb0');
    const before = globalThis.Int32Array;
    const refuse = class extends before {
      constructor(length: number) {
        if (length > 10_000) throw new RangeError('Array buffer allocation failed');
        super(length);
      }
    };
    try {
      Object.assign(globalThis, { Int32Array: refuse });
      const many = options('size=1', 'hw_queue_depth=10240', 'submit_queues=4');
      expect(errnoOf(() => device.powerOn(many))).toBe('ENOMEM');
      expect([device.powered, device.disk]).toEqual([false, undefined]);
      device.powerOn(options('size=1', 'hw_queue_depth=10'));
      expect(write(0, 8, 1).submit(diskOf(device)).ends).toBe(1);
      expect(errnoOf(() => device.setQueues(10_000, 0))).toBe('ENOMEM');
      expect(device.stats().tags.queues).toBe(1);
    } finally {
      Object.assign(globalThis, { Int32Array: before });
    }
  });
});
