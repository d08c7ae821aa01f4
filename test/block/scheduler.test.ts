import { describe, expect, test } from 'vitest';
import { Scheduler, type TagWaiter } from '../../src/block/scheduler.ts';
import { World } from './world.ts';

class Waiter implements TagWaiter {
  waiting = false;
  waitingSince = 0;
  readonly waitsToRead: boolean;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
    this.waitsToRead = name.startsWith('r');
  }
  tagsFree(): void {}
}

/** The order of service when `names` wait and each queues again after its turn. */
function served(names: readonly string[], turns: number, none = false): string[] {
  const scheduler = new Scheduler(new World().clock, none);
  for (const name of names) scheduler.add(new Waiter(name));
  return Array.from({ length: turns }, () => {
    const next = scheduler.next();
    if (!(next instanceof Waiter)) throw new Error('nobody waits');
    scheduler.add(next);
    return next.name;
  });
}

describe('mq-deadline', () => {
  test('reads go before writes, all connections in turn', () => {
    expect(served(['w1', 'r1', 'r2'], 4)).toEqual(['r1', 'r2', 'r1', 'r2']);
  });

  test('after 32 reads a batch of 16 writes has its turn', () => {
    const order = served(['w', 'r'], 96).map((name) => name[0]);
    const batch = [...'r'.repeat(32), ...'w'.repeat(16)];
    expect(order).toEqual([...batch, ...batch]);
  });

  test('writes alone are served one after the other', () => {
    expect(served(['w1', 'w2'], 3)).toEqual(['w1', 'w2', 'w1']);
  });

  test.each([
    ['a write that waits for 5 s goes first', 'w', 5e9],
    ['a read that waits for 500 ms goes before a write that is due in less time', 'r', 0.5e9],
  ])('%s', (_, first, age) => {
    const world = new World();
    const scheduler = new Scheduler(world.clock, false);
    scheduler.add(new Waiter(first));
    world.time += age;
    scheduler.add(new Waiter(first === 'w' ? 'r' : 'w'));
    expect(scheduler.next()).toMatchObject({ name: first });
  });

  test('a write that waited for a little less than 5 s still stands behind', () => {
    const world = new World();
    const scheduler = new Scheduler(world.clock, false);
    scheduler.add(new Waiter('w'));
    world.time += 4.999e9;
    scheduler.add(new Waiter('r'));
    expect(scheduler.next()).toMatchObject({ name: 'r' });
  });

  test('who waits alone may take what it needs; with others it is one tag each', () => {
    const scheduler = new Scheduler(new World().clock, false);
    scheduler.add(new Waiter('r1'));
    scheduler.add(new Waiter('r2'));
    scheduler.next();
    expect(scheduler.quota).toBe(1);
    scheduler.next();
    expect(scheduler.quota).toBe(Number.POSITIVE_INFINITY);
  });
});

test('none is arrival order, and each takes what it needs', () => {
  const scheduler = new Scheduler(new World().clock, true);
  for (const name of ['w', 'r1', 'r2']) scheduler.add(new Waiter(name));
  const order = [scheduler.next(), scheduler.next(), scheduler.next()];
  expect(order).toMatchObject([{ name: 'w' }, { name: 'r1' }, { name: 'r2' }]);
  expect(scheduler.quota).toBe(Number.POSITIVE_INFINITY);
  expect(scheduler.next()).toBeUndefined();
});

test('who has gone is not served', () => {
  const scheduler = new Scheduler(new World().clock, false);
  const gone = new Waiter('r1');
  scheduler.add(gone);
  scheduler.add(new Waiter('r2'));
  scheduler.remove(gone);
  expect(scheduler.count).toBe(1);
  expect(scheduler.next()).toMatchObject({ name: 'r2' });
});
