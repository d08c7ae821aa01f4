/** Faults on whole devices, in injected time. driver.md section 7; rnull-series 71 to 73. */

import { describe, expect, test } from 'vitest';
import { Status } from '../../src/block/status.ts';
import { World } from '../block/world.ts';
import { options } from '../config/words.ts';
import { errnoOf } from './errno.ts';
import { read, wholeDevice, wholeDevices, write } from './whole.ts';

const MEMORY = ['size=4', 'memory_backed=1', 'hw_queue_depth=256'];

describe('the timeout fault', () => {
  test.each([
    ['irqmode=0', []],
    ['irqmode=1', []],
    ['irqmode=2', []],
    ['polled', ['poll_queues=1']],
  ])('a request is never processed, and ends with TIMEOUT after 5 s (%s)', (mode, more) => {
    const world = new World();
    const irqmode = mode === 'polled' ? 'irqmode=0' : mode;
    const words = [...MEMORY, irqmode, ...more, 'timeout=1,100,0,1'];
    const { disk, device } = wholeDevice(world, words);
    world.pass(0.3e9);
    const one = mode === 'polled' ? read(0, 8).submit(disk) : write(0, 8, 1).submit(disk);
    const other = write(8, 8, 2).submit(disk);
    world.pass(10_000);
    expect([one.ends, other.ends]).toEqual([0, 1]);
    const { tagSet } = disk.queue;
    expect([...tagSet.counts].filter((count) => count !== 0)).toEqual([1]); // the device has it
    world.pass(5.3e9 - world.time - 1);
    expect(one.ends).toBe(0);
    world.pass(1);
    expect(one).toMatchObject({ ends: 1, status: Status.TIMEOUT });
    expect(device.stats().errors).toMatchObject({ ETIMEDOUT: 1 });
    const back = read(0, 1).submit(disk);
    world.pass(10_000);
    expect(back.data[0]).toBe(0); // a write left nothing
    expect([...tagSet.counts].every((count) => count === 0)).toBe(true);
  });

  test('a slow request is not a timed-out one: the hook resets its clock', () => {
    const world = new World();
    const words = ['irqmode=2', 'completion_nsec=20000000000', 'timeout=1,100,1000,1'];
    const { disk } = wholeDevice(world, [...MEMORY, ...words]);
    const one = write(0, 8, 1).submit(disk);
    for (let second = 0; second < 19; second++) world.pass(1e9);
    expect(one.ends).toBe(0);
    world.pass(1e9);
    expect(one).toMatchObject({ ends: 1, status: Status.OK });
  });
});

test('a timeout fault that is switched off before its request was polled for leaves no trace', () => {
  const world = new World();
  const words = ['poll_queues=1', 'irqmode=2', 'completion_nsec=10000000000', 'timeout=1,100,0,-1'];
  const { disk, device } = wholeDevice(world, [...MEMORY, ...words]);
  const one = read(0, 8).submit(disk);
  device.faults.timeout.set({ probability: 0n });
  for (let second = 0; second <= 10; second++) world.pass(1e9);
  expect(one).toMatchObject({ ends: 1, status: Status.OK });
});

test('a request without a fault is polled for whatever became of the one before it on its tag', () => {
  const world = new World();
  const words = ['poll_queues=1', 'hw_queue_depth=1', 'timeout=1,100,0,-1'];
  const { disk, device } = wholeDevice(world, ['size=4', 'memory_backed=1', ...words]);
  const before = read(0, 8).submit(disk);
  device.faults.timeout.set({ probability: 0n });
  world.pass(10_000);
  expect(before.ends).toBe(1);
  const one = read(0, 8).submit(disk);
  // Before it is polled for a fault of another kind is switched on, which strikes no request.
  device.faults.requeue.set({ space: 1000n });
  device.faults.requeue.set({ times: 1n });
  device.faults.requeue.set({ probability: 100n });
  world.pass(10_000);
  expect(one).toMatchObject({ ends: 1, status: Status.OK });
});

test('a request that waits for bandwidth is served when its fault is switched off meanwhile', () => {
  const world = new World();
  const { disk, device } = wholeDevice(world, [...MEMORY, 'mbps=1']);
  const first = read(0, 64).submit(disk); // more than a tick's budget: the next must wait
  device.faults.timeout.set({ probability: 100n });
  const one = read(0, 8).submit(disk);
  expect([first.ends, one.ends]).toEqual([1, 0]);
  device.faults.timeout.set({ probability: 0n });
  world.pass(1e9);
  expect(one).toMatchObject({ ends: 1, status: Status.OK });
});

describe('the requeue fault', () => {
  test('is a resource status and a requeue in turns; each request is served unharmed, in order', () => {
    const world = new World();
    const { disk } = wholeDevice(world, [...MEMORY, 'requeue=2,100,0,4']);
    const { operations } = disk.queue;
    const queueRq = operations.queueRq.bind(operations);
    let answers: Status[] = [];
    operations.queueRq = (request, isLast) => {
      const answer = queueRq(request, isLast);
      answers.push(answer);
      return answer;
    };
    const { OK, RESOURCE } = Status;
    const [served, refused, requeued] = [[OK], [RESOURCE, OK], [OK, OK]];
    for (const expected of [served, refused, requeued, refused, requeued, served, served]) {
      answers = [];
      const one = write(0, 1, 1).submit(disk);
      expect(one.ends).toBe(expected === served ? 1 : 0);
      world.settle();
      expect(one).toMatchObject({ ends: 1, status: OK });
      expect(answers).toEqual(expected);
    }
    expect(disk.queue.tagSet.inFlight).toBe(0);
  });

  test('nothing overtakes a requeued request on its queue', () => {
    const world = new World();
    const { disk } = wholeDevice(world, [...MEMORY, 'requeue=3,100,0,-1']);
    for (let at = 0; at < 60; at++) write(at % 7, 1, at + 1).submit(disk); // over one another
    for (let time = 0; time < 100; time++) world.pass(3e6);
    const last = Array.from({ length: 7 }, (_, at) => at + 1 + 7 * Math.floor((59 - at) / 7));
    const back = read(0, 7).submit(disk);
    for (let time = 0; time < 10; time++) world.pass(3e6);
    expect(Array.from({ length: 7 }, (_, at) => back.data[at * 512])).toEqual(last);
  });
});

test('init_hctx: power on fails with ENOMEM, one chance for each queue', () => {
  const words = ['size=1', 'submit_queues=3', 'init_hctx=1,100,3,1'];
  const devices = wholeDevices(new World(), words);
  const device = devices.create('nullb0');
  // space 3 lets two chances go: the third queue fails, then times is used up.
  expect(errnoOf(() => device.powerOn(options(...words)))).toBe('ENOMEM');
  device.powerOn(options(...words));
  expect(device.powered).toBe(true);
});

describe('from one seed', () => {
  const words = [...MEMORY, 'timeout=1,20,0,-1', 'requeue=1,20,0,-1'];

  /** How each of the same 150 requests fares. */
  function outcome(seed: string, name = 'nullb0'): string {
    const world = new World();
    const device = wholeDevices(world, words, { seed }).create(name);
    device.powerOn(options(...words));
    const { disk } = device;
    if (disk === undefined) throw new Error('the device is off');
    const ios = Array.from({ length: 150 }, (_, at) => {
      const io = write(at * 8, 8, at).submit(disk);
      const waited = io.ends === 0;
      world.pass(10e6);
      return { io, waited };
    });
    for (let second = 0; second < 8; second++) world.pass(1e9);
    expect(ios.every(({ io }) => io.ends === 1)).toBe(true);
    return ios
      .map(({ io, waited }) => (io.status === Status.TIMEOUT ? 'T' : waited ? 'w' : '.'))
      .join('');
  }

  test('the same faults for the same requests, each time', () => {
    const first = outcome('a seed');
    expect(outcome('a seed')).toBe(first);
    expect(first.replaceAll(/[^T]/g, '').length).toBeGreaterThan(10);
    expect(first.replaceAll(/[^w]/g, '').length).toBeGreaterThan(10);
  });

  test('from another seed, or on another device, others', () => {
    expect(outcome('another')).not.toBe(outcome('a seed'));
    expect(outcome('a seed', 'nullb1')).not.toBe(outcome('a seed'));
  });
});
