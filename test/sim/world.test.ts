/** How time goes on in the simulated world while somebody asks to run at once. */

import { expect, test } from 'vitest';
import { Timer, TimerQueue } from '../../src/time/timer-queue.ts';
import { nanoseconds } from '../../src/units.ts';
import { Random } from '../fuzz/random.ts';
import { Happening, World } from './world.ts';

const SECOND = 1e9;
const TURNS = 100;

/** A world whose daemon waits for a timer in a second, and where something happens in two. */
function waiting(): World {
  const machine = { clockReadNs: 0, iterationNs: 1000, timerLateNs: 0 };
  const world = new World(new Random('world'), machine);
  world.timers = new TimerQueue();
  world.timers.start(new Timer({ timerExpired: () => {} }), nanoseconds(world.time + SECOND));
  world.start(new Happening(() => {}), 2 * SECOND);
  return world;
}

test('work in slices takes as long as its turns, whatever timer there is', async () => {
  const world = waiting();
  const begin = world.time;
  let turns = 0;
  const work = (): void => {
    world.scheduler.immediate(() => {
      if (++turns < TURNS) work();
    });
  };
  work();
  await world.run(() => turns === TURNS);
  expect(world.failed).toBeUndefined();
  expect(world.time - begin).toBeLessThanOrEqual(TURNS * 1000);
});

test('looking again and again goes on until the timer, and does not count every look', async () => {
  const world = waiting();
  const end = world.time + SECOND;
  let looks = 0;
  const look = (): void => {
    looks++;
    if (world.time < end) world.scheduler.immediate(look);
  };
  look();
  await world.run(() => world.time >= end);
  expect(world.time).toBe(end);
  expect(looks).toBeLessThan(10);
});
