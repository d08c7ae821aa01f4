/** A device whose handler may wait: order and tags stay right. rnull-series 41. */

import { expect, test } from 'vitest';
import { Status } from '../../src/block/status.ts';
import { NullOperations } from '../../src/driver/null-operations.ts';
import { World } from '../block/world.ts';
import { read, wholeDevice, write } from './whole.ts';

/** Lets promises of the handler settle, and time pass. */
async function pass(world: World, ns: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  world.pass(ns);
}

test.each([
  ['nothing in the way', []],
  ['a limit', ['mbps=1']],
  ['a limit and one client in turn', ['mbps=1', 'no_sched=1']],
  ['requeues', ['requeue=3,100,0,-1']],
  ['requeues, and completion by timer', ['requeue=2,100,0,-1', 'irqmode=2']],
])('blocking=1: requests are processed in order, and end once: %s', async (_, words) => {
  const world = new World();
  const { disk } = wholeDevice(world, ['size=4', 'blocking=1', 'hw_queue_depth=8', ...words]);
  const { operations } = disk.queue;
  if (!(operations instanceof NullOperations)) throw new Error('not the null device');
  expect(operations.queueRqBlocking).toBeDefined();
  const processed: number[] = [];
  const { execute } = operations;
  operations.execute = (request, sectors) => {
    processed.push(request.sector());
    return execute(request, sectors);
  };
  const ios = Array.from({ length: 40 }, (_, at) => write(at * 8, 8, at).submit(disk));
  expect(ios.at(-1)?.ends).toBe(0);
  for (let time = 0; time < 300; time++) await pass(world, 4e6);
  expect(ios.map(({ ends, status }) => [ends, status])).toEqual(ios.map(() => [1, Status.OK]));
  expect(ios.slice(0, 8).every(({ parked }) => parked > 0)).toBe(true); // payloads outlive the batch
  expect(processed).toEqual(ios.map((_, at) => at * 8));
  expect(disk.queue.tagSet.inFlight).toBe(0);
});

test.each([['irqmode=0'], ['irqmode=1'], ['irqmode=2']])(
  'what a handler that may wait leaves to be polled for is polled for, with few tags: %s',
  async (mode) => {
    const world = new World();
    const words = ['size=32', 'blocking=1', 'poll_queues=1', 'hw_queue_depth=2', 'max_sectors=9'];
    const { disk } = wholeDevice(world, [...words, 'bs=1024', 'no_sched=1', mode]);
    const ios = Array.from({ length: 8 }, (_, at) => read(at * 8, 256).submit(disk));
    for (let turn = 0; turn < 2000 && ios.some(({ ends }) => ends === 0); turn++) {
      await pass(world, 20e3);
    }
    expect(ios.map(({ ends, status }) => [ends, status])).toEqual(ios.map(() => [1, Status.OK]));
    expect(disk.queue.tagSet.inFlight).toBe(0);
  },
);

test('with memory nothing ever waits, whatever blocking says', () => {
  const { disk } = wholeDevice(new World(), ['size=4', 'memory_backed=1', 'blocking=1']);
  expect(disk.queue.tagSet.options.blocking).toBe(true);
  expect(disk.queue.vtable.queueRqBlocking).toBeUndefined();
  expect(write(0, 8, 1).submit(disk).ends).toBe(1);
});
