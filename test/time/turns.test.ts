/** What is left for the end of a turn where there is none: each kind has one arranged for, once. */

import { expect, test } from 'vitest';
import { makeTiming } from '../../src/daemon/timing.ts';
import { Timer } from '../../src/time/timer-queue.ts';
import { nanoseconds } from '../../src/units.ts';

function resting() {
  const immediates: (() => void)[] = [];
  const timeouts: number[] = [];
  const scheduler = {
    immediate: (callback: () => void) => void immediates.push(callback),
    timeout: (_: () => void, milliseconds: number) => {
      timeouts.push(milliseconds);
      return () => {};
    },
  };
  let now = 0;
  const timing = makeTiming({ now: () => nanoseconds(now) }, scheduler, nanoseconds(0));
  const work = { raised: false, runs: 0, runDeferred: () => void work.runs++ };
  const output = { listed: false, flushes: 0, flush: () => void output.flushes++ };
  return {
    ...{ timing, immediates, timeouts, work, output },
    round(ns = 0): void {
      now += ns;
      for (const callback of immediates.splice(0)) callback();
    },
  };
}

test('deferred work that is raised at rest has a turn, and then nothing is arranged for', () => {
  const { timing, immediates, work, round } = resting();
  timing.deferred.raise(work);
  timing.deferred.raise(work);
  expect(immediates).toHaveLength(1);
  round();
  expect([work.runs, immediates.length]).toEqual([1, 0]);
});

test('so has work for the next turn', () => {
  const { timing, immediates, work, round } = resting();
  timing.deferred.raiseNextTurn(work);
  round();
  expect([work.runs, immediates.length]).toEqual([1, 0]);
});

test('a timer that is started at rest is arranged for', () => {
  const { timing, immediates, timeouts, round } = resting();
  timing.timers.start(new Timer({ timerExpired: () => {} }), nanoseconds(50e6));
  round();
  expect([timeouts, immediates.length]).toEqual([[49], 0]);
});

test('a reply that arises at rest is sent', () => {
  const { timing, immediates, output, round } = resting();
  timing.turn.unsent(output);
  round();
  expect([output.flushes, immediates.length]).toEqual([1, 0]);
});

test('within a turn nothing is arranged for: its end does it all', () => {
  const { timing, immediates, timeouts, work, output } = resting();
  const { turn, deferred, timers } = timing;
  turn.begin();
  deferred.raise(work);
  timers.start(new Timer({ timerExpired: () => {} }), nanoseconds(50e6));
  turn.unsent(output);
  turn.end();
  expect([work.runs, output.flushes, timeouts, immediates.length]).toEqual([1, 1, [49], 0]);
});

test('what is left by deferred work itself, and by timers, is within a turn', () => {
  const { timing, immediates, timeouts, work, round } = resting();
  const { turn, deferred, timers } = timing;
  const timer = new Timer({ timerExpired: () => deferred.raise(work) });
  const start = { raised: false, runDeferred: () => timers.start(timer, nanoseconds(1e6)) };
  turn.begin();
  deferred.raise(start);
  turn.end();
  expect([timeouts, immediates.length]).toEqual([[], 1]); // the timer is near: it is watched for
  round(1e6);
  expect([work.runs, immediates.length]).toEqual([1, 0]);
});
