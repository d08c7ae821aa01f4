/** How requests complete on a whole device: inline, deferred, by timer, polled; and what errors do
 *  there. rnull-series 7, 8, 51, 53. */

import { describe, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { World } from '../block/world.ts';
import { command, read, wholeDevice, write } from './whole.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

const MEMORY = ['size=4', 'memory_backed=1'];

test('irqmode=0 completes before the batch is over', () => {
  const { disk } = wholeDevice(new World(), [...MEMORY, 'irqmode=0']);
  expect(write(0, 8, 1).submit(disk).ends).toBe(1);
});

test('irqmode=1 completes in the deferred context, after the batch', () => {
  const world = new World();
  const { disk } = wholeDevice(world, [...MEMORY, 'irqmode=1']);
  const [one, two] = [write(0, 8, 1).submit(disk), read(0, 8).submit(disk)];
  expect([one.ends, two.ends]).toEqual([0, 0]);
  expect([...disk.queue.tagSet.counts].filter((count) => count > 0)).toEqual([2, 2]); // shared
  world.deferred.run();
  expect([one.ends, two.ends]).toEqual([1, 1]);
  expect(two.data.every((byte) => byte === 1)).toBe(true);
});

describe('irqmode=2', () => {
  const words = [...MEMORY, 'irqmode=2', 'completion_nsec=50000'];

  test('completes completion_nsec after processing, to the nanosecond, each by its own timer', () => {
    const world = new World();
    const { disk } = wholeDevice(world, words);
    const one = write(0, 8, 1).submit(disk);
    world.pass(20_000);
    const two = write(8, 8, 2).submit(disk);
    world.pass(29_999);
    expect([one.ends, two.ends]).toEqual([0, 0]);
    world.pass(1);
    expect([one.ends, two.ends]).toEqual([1, 0]);
    world.pass(19_999);
    expect(two.ends).toBe(0);
    world.pass(1);
    expect(two.ends).toBe(1);
  });

  test('a batch expires together, a short completion_nsec after its last request was processed', () => {
    const world = new World();
    const { disk } = wholeDevice(world, [...MEMORY, 'irqmode=2', 'completion_nsec=10000']);
    const hctx = disk.queue.defaultHctx(0);
    const batch = [write(0, 8, 1), write(8, 8, 2), read(0, 8)];
    for (const { bio } of batch) expect(hctx.submit(bio)).toBe(true);
    // What came before it is processed does not count.
    world.pass(700);
    hctx.unplug();
    world.pass(9_999);
    expect(batch.map(({ ends }) => ends)).toEqual([0, 0, 0]);
    world.pass(1);
    expect(batch.map(({ ends }) => ends)).toEqual([1, 1, 1]);
  });

  test('the timer owns a reference: the request is shared while it runs, and free when it expired', () => {
    const world = new World();
    const { disk } = wholeDevice(world, words);
    const { tagSet } = disk.queue;
    const one = write(0, 8, 1).submit(disk);
    const tag = tagSet.requests.find((request) => request.count() === 2)?.tag;
    expect(tag).toBeDefined();
    expect(one.ends).toBe(0);
    world.pass(50_000);
    expect(one.ends).toBe(1);
    expect([...tagSet.counts].every((count) => count === 0)).toBe(true);
    expect(tagSet.inFlight).toBe(0);
  });

  test('completion_nsec=0 still completes by the timer', () => {
    const world = new World();
    const { disk } = wholeDevice(world, [...MEMORY, 'irqmode=2', 'completion_nsec=0']);
    const one = write(0, 8, 1).submit(disk);
    expect(one.ends).toBe(0);
    world.pass(0);
    expect(one.ends).toBe(1);
  });
});

describe('an error never skips the completion delay', () => {
  const modes = [
    ['irqmode=1', 0],
    ['irqmode=2', 50_000],
  ] as const;
  const causes = [
    ['a bad block', [], Command.READ, Status.IOERR],
    ['a discard that is not accepted', [], Command.DISCARD, Status.NOTSUPP],
    ['a zone rule', ['zoned=1', 'zone_size=1'], Command.ZONE_CLOSE, Status.IOERR],
  ] as const;
  test.each(
    modes.flatMap(([mode, delay]) => causes.map((cause) => [mode, delay, ...cause] as const)),
  )('%s: %i ns: %s', (mode, delay, what, words, kind, status) => {
    const world = new World();
    const all = [...MEMORY, mode, 'completion_nsec=50000', ...words];
    const { disk, device } = wholeDevice(world, all);
    if (what === 'a bad block') writeBadBlocks(device.badBlocks, '+0-7');
    const one = command(kind, 0, 8).submit(disk);
    expect(one.ends).toBe(0);
    if (delay > 0) world.pass(delay - 1);
    expect(one.ends).toBe(0);
    world.pass(delay > 0 ? 1 : 0);
    expect(one).toMatchObject({ ends: 1, status });
  });
});

describe('polled requests', () => {
  const words = [...MEMORY, 'submit_queues=2', 'poll_queues=2'];

  test.each(['irqmode=0', 'irqmode=1', 'irqmode=2'])(
    'wait until their queue is polled, and then complete as others do (%s)',
    (mode) => {
      const world = new World();
      const { disk } = wholeDevice(world, [...words, mode, 'completion_nsec=1000']);
      write(0, 8, 7).submit(disk);
      world.pass(1000);
      const one = read(0, 8).submit(disk, 1);
      const hctx = disk.queue.readHctx(1);
      expect([hctx.index, hctx.polled, hctx.data.polled.length]).toEqual([3, true, 1]);
      expect(one.bio.segments.count).toBe(0); // not processed yet
      expect(disk.queue.vtable.poll?.(hctx)).toBe(1);
      world.pass(1000);
      expect(one).toMatchObject({ ends: 1, status: Status.OK });
      expect(one.data.every((byte) => byte === 7)).toBe(true);
      expect(hctx.data.polled).toEqual([]);
    },
  );

  test('complete by themselves once the sockets had their turn; an idle device polls no more', () => {
    const world = new World();
    const { disk } = wholeDevice(world, words);
    const reads = Array.from({ length: 9 }, (_, n) => read(0, 8).submit(disk, n));
    expect(reads.map(({ ends }) => ends)).toEqual(reads.map(() => 0));
    world.deferred.run();
    expect(reads.map(({ ends }) => ends)).toEqual(reads.map(() => 1));
    world.settle();
    expect([world.deferred.pending, world.timers.count]).toEqual([false, 1]); // the timeout sweep
    world.pass(5e9);
    expect([world.deferred.pending, world.timers.count]).toEqual([false, 0]);
  });
});
