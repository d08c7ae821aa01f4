/** The queues and tags of a whole device are what its parameters say. rnull-series 12, 14 to 17, 21,
 *  22, 42, 43, 52, 60 to 63, 78. */

import { describe, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { resolve } from '../../src/config/resolve.ts';
import { World } from '../block/world.ts';
import { CPUS, options } from '../config/words.ts';
import { errnoOf } from './errno.ts';
import { command, diskOf, read, wholeDevice, wholeDevices, write } from './whole.ts';

describe('the flags of the tag set', () => {
  test.each([
    ['by default', [], {}],
    ['blocking=1', ['blocking=1'], { blocking: true }],
    ['memory_backed=1', ['memory_backed=1'], { blocking: true }],
    ['shared_tag_bitmap=1', ['shared_tag_bitmap=1'], { sharedBitmap: true }],
    ['no_sched=1', ['no_sched=1'], { noScheduler: true }],
    ['hw_queue_depth=1', ['hw_queue_depth=1'], { depth: 1 }],
    ['hw_queue_depth=20000', ['hw_queue_depth=20000'], { depth: 10_240 }],
    ['submit_queues=3', ['submit_queues=3'], { queues: 3 }],
    ['poll_queues=2', ['poll_queues=2'], { queues: 3, pollQueues: 2 }],
  ])('are typed options, made of the parameters: %s', (_, words, different) => {
    const { disk } = wholeDevice(new World(), ['size=1', ...words]);
    const usual = {
      queues: 1,
      pollQueues: 0,
      depth: 64,
      blocking: false,
      sharedBitmap: false,
      noScheduler: false,
      timeout: 5e9, // null_blk's, not the block layer's
      debug: true,
    };
    expect(disk.queue.tagSet.options).toEqual({ ...usual, ...different });
  });
});

test('the accessors of disk, queue and tag set say what was built', () => {
  const words = ['size=1', 'submit_queues=2', 'poll_queues=1', 'hw_queue_depth=5'];
  const { disk, device } = wholeDevice(new World(), words);
  const { queue } = disk;
  expect({ queues: queue.hwQueueCount, ofSet: queue.tagSet.hwQueueCount }).toEqual({
    queues: 3,
    ofSet: 3,
  });
  expect(queue.tagSet.queueDepth).toBe(5);
  expect(queue.limits).toBe(disk.limits);
  expect([0, 1, 2].map((index) => queue.hctx(index).index)).toEqual([0, 1, 2]);
  expect(() => queue.hctx(3)).toThrow('no hardware queue 3');
  expect(queue.data).toBe('nullb0');
  expect(device.stats().tags).toEqual({ depth: 5, queues: 3, inUse: 0 });
});

describe('NUMA nodes', () => {
  const on = (nodes: readonly number[], ...words: readonly [string, string][]) =>
    resolve(
      words.map(([name, value]) => ({ name, value, as: name })),
      { cpus: CPUS, nodes },
    ).options;

  test.each([
    [[0], 1],
    [[0, 1], 2],
    [[0, 2, 5], 3],
  ])('use_per_node_hctx makes a queue for each of the nodes %j', (nodes, queues) => {
    const device = wholeDevices(new World(), ['size=1']).create('a');
    device.powerOn(on(nodes, ['size', '1'], ['use_per_node_hctx', '1']));
    expect(diskOf(device).queue.hwQueueCount).toBe(queues);
  });

  test('a home_node must be online', () => {
    const powered = (node: string): boolean => {
      const device = wholeDevices(new World(), ['size=1']).create('a');
      device.powerOn(on([0, 2], ['size', '1'], ['home_node', node]));
      return device.powered;
    };
    expect([powered('-1'), powered('0'), powered('2')]).toEqual([true, true, true]);
    expect(() => powered('1')).toThrow(/home_node=1: must be a NUMA node that is online \(0, 2\)/);
  });
});

describe('the scheduler', () => {
  /** Who gets the one tag, when a write, a write and a read wait for it. */
  function order(...words: string[]): string[] {
    const world = new World();
    const all = ['size=1', 'irqmode=2', 'completion_nsec=1000', 'hw_queue_depth=1', ...words];
    const { disk } = wholeDevice(world, all);
    const ios = { first: write(0, 1, 1), write: write(1, 1, 1), read: read(0, 1) };
    for (const io of Object.values(ios)) io.submit(disk);
    const ended: string[] = [];
    for (let time = 0; time < 5; time++) {
      world.pass(1000);
      for (const [name, io] of Object.entries(ios)) {
        if (io.ends === 1 && !ended.includes(name)) ended.push(name);
      }
    }
    return ended;
  }

  test('lets a read go before a write that waits for longer', () => {
    expect(order()).toEqual(['first', 'read', 'write']);
  });

  test('no_sched: requests go as they came', () => {
    expect(order('no_sched=1')).toEqual(['first', 'write', 'read']);
  });
});

describe('tags', () => {
  /** How many requests `users` clients get under way at once. */
  function underWay(users: number, ...words: string[]): number {
    const { disk } = wholeDevice(new World(), ['size=1', 'irqmode=2', 'submit_queues=2', ...words]);
    for (let n = 0; n < users * 20; n++) write(n, 1, 1).submit(disk, n % users);
    return disk.queue.inFlight;
  }

  test('each hardware queue has hw_queue_depth of its own', () => {
    expect(underWay(1, 'hw_queue_depth=8')).toBe(8);
    expect(underWay(2, 'hw_queue_depth=8')).toBe(16);
  });

  test('shared_tag_bitmap: all hardware queues draw from one bitmap', () => {
    expect(underWay(1, 'hw_queue_depth=8', 'shared_tag_bitmap=1')).toBe(8);
    expect(underWay(2, 'hw_queue_depth=8', 'shared_tag_bitmap=1')).toBe(8);
  });

  test('of a shared bitmap each queue gets its share in the end, and each request ends once', () => {
    const world = new World();
    const words = ['size=1', 'irqmode=2', 'completion_nsec=1000', 'submit_queues=3'];
    const { disk } = wholeDevice(world, [...words, 'hw_queue_depth=2', 'shared_tag_bitmap=1']);
    const ios = Array.from({ length: 60 }, (_, n) => write(n, 1, n).submit(disk, n));
    for (let time = 0; time < 60; time++) world.pass(1000);
    expect(ios.map(({ ends }) => ends)).toEqual(ios.map(() => 1));
    expect(disk.queue.tagSet.inFlight).toBe(0);
  });
});

describe('changing the number of hardware queues', () => {
  test('goes on with what is in flight, and nothing is lost', () => {
    const world = new World();
    const words = ['size=1', 'memory_backed=1', 'irqmode=2', 'completion_nsec=5000'];
    const { device, disk } = wholeDevice(world, [...words, 'hw_queue_depth=4']);
    const ios = [];
    for (let round = 0; round < 40; round++) {
      for (let n = 0; n < 6; n++) ios.push(write(ios.length, 1, round + 1).submit(disk, n));
      device.setQueues(1 + (round % CPUS), round % 3);
      expect(disk.queue.hwQueueCount).toBe(1 + (round % CPUS) + (round % 3));
      world.pass(2000);
    }
    for (let time = 0; time < 100; time++) world.pass(5000);
    expect(ios.map(({ ends }) => ends)).toEqual(ios.map(() => 1));
    const back = read(0, ios.length).submit(disk);
    for (let time = 0; time < 10; time++) world.pass(5000);
    expect(ios.map((_, at) => back.data[at * 512])).toEqual(
      ios.map((_, at) => Math.floor(at / 6) + 1),
    );
    expect([disk.queue.inFlight, disk.queue.tagSet.inFlight]).toEqual([0, 0]);
  });

  test('that fails once is survived: the new number holds', () => {
    const { device, disk } = wholeDevice(new World(), ['size=1']);
    device.faults.init_hctx.set({ probability: 100n });
    device.setQueues(2, 0);
    expect([disk.queue.hwQueueCount, device.queues.submit]).toEqual([2, 2]);
    expect(device.faults.init_hctx.value('times')).toBe(0);
    const [one, other] = [write(0, 8, 1).submit(disk), write(8, 8, 2).submit(disk, 1)];
    expect([one.ends, other.ends]).toEqual([1, 1]);
  });

  test('that fails twice is ENOMEM, and the old number stays in use', () => {
    const world = new World();
    const { device, disk } = wholeDevice(world, ['size=1', 'submit_queues=2']);
    device.faults.init_hctx.set({ probability: 100n });
    device.faults.init_hctx.set({ times: 2n });
    expect(errnoOf(() => device.setQueues(4, 0))).toBe('ENOMEM');
    expect([disk.queue.hwQueueCount, device.stats().tags.queues]).toEqual([2, 2]);
    expect(write(0, 8, 1).submit(disk, 1).ends).toBe(1);
    device.setQueues(4, 0);
    expect(disk.queue.hwQueueCount).toBe(4);
  });

  test('is refused on shared tags', () => {
    const { device } = wholeDevice(new World(), ['size=1', 'shared_tags=1']);
    expect(errnoOf(() => device.setQueues(2, 0))).toBe('EINVAL');
  });
});

describe('shared_tags', () => {
  const words = ['size=1', 'shared_tags=1', 'irqmode=2', 'completion_nsec=1000'];

  test('is one tag set for every device that asks for it, made of the parameters', () => {
    const devices = wholeDevices(new World(), [...words, 'hw_queue_depth=3', 'submit_queues=2']);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => devices.create(name));
    a?.powerOn(options(...words, 'hw_queue_depth=100'));
    b?.powerOn(options(...words, 'hw_queue_depth=200'));
    c?.powerOn(options('size=1', 'hw_queue_depth=7'));
    const sets = [a, b, c].map((device) => device?.disk?.queue.tagSet);
    expect(sets[0]).toBe(sets[1]);
    expect(sets[0]).not.toBe(sets[2]);
    expect(sets.map((set) => [set?.queueDepth, set?.hwQueueCount])).toEqual([
      [3, 2],
      [3, 2],
      [7, 1],
    ]);
  });

  test.each(['no_sched=0', 'no_sched=1'])(
    'a device under heavy load leaves the others their share (%s)',
    (scheduler) => {
      const world = new World();
      const all = [...words, 'hw_queue_depth=4', scheduler];
      const devices = wholeDevices(world, all);
      const disks = ['busy', 'b', 'c'].map((name) => {
        const device = devices.create(name);
        device.powerOn(options(...all));
        return diskOf(device);
      });
      const [busy] = disks;
      if (busy === undefined) throw new Error('no disk');
      // Clients that always have another request, 100 on one device and one on each of the others.
      const users = Array.from({ length: 102 }, (_, n) => ({
        disk: disks[n < 100 ? 0 : n - 99] ?? busy,
        io: command(Command.WRITE_ZEROES),
        done: 0,
      }));
      const begin = (user: (typeof users)[number]): void => {
        user.io = write(0, 1, 1).submit(user.disk);
      };
      users.forEach(begin);
      for (let time = 0; time < 2000; time++) {
        world.pass(1000);
        for (const user of users) {
          if (user.io.ends === 0) continue;
          user.done++;
          begin(user);
        }
      }
      const sum = users.reduce((all, user) => all + user.done, 0);
      expect(sum).toBe(2000 * 4); // no tag was ever idle
      const shares = users.map((user) => user.done / (sum / users.length));
      expect(Math.min(...shares)).toBeGreaterThan(0.9);
      expect(Math.max(...shares)).toBeLessThan(1.1);
    },
  );
});
