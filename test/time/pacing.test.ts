import { expect, test } from 'vitest';
import { BusyPoll } from '../../src/time/busy-poll.ts';
import type { Scheduler } from '../../src/time/clock.ts';
import { Deferred, type DeferredWork } from '../../src/time/deferred.ts';
import { Pacing, type Source } from '../../src/time/pacing.ts';
import { Timer, TimerQueue } from '../../src/time/timer-queue.ts';
import { nanoseconds } from '../../src/units.ts';

/** An event loop by hand: what was asked of it, and how time passes. */
class Loop implements Scheduler {
  now = 0;
  immediates: (() => void)[] = [];
  timeouts: { callback: () => void; milliseconds: number }[] = [];
  immediate(callback: () => void): void {
    this.immediates.push(callback);
  }
  timeout(callback: () => void, milliseconds: number): () => void {
    const entry = { callback, milliseconds };
    this.timeouts.push(entry);
    return () => {
      this.timeouts = this.timeouts.filter((one) => one !== entry);
    };
  }
  /** One round after `ns`. @returns whether anything was to do. */
  round(ns: number): boolean {
    this.now += ns;
    const due = this.immediates.splice(0);
    for (const callback of due) callback();
    return due.length > 0;
  }
}

/** @param readingNs what a reading of the clock takes. */
function paced(pollNs = 100_000, readingNs = 0) {
  const loop = new Loop();
  const timers = new TimerQueue();
  const deferred = new Deferred();
  const clock = {
    now: () => {
      loop.now += readingNs;
      return nanoseconds(loop.now);
    },
  };
  const poll = new BusyPoll(nanoseconds(pollNs));
  const turn = {
    begin: () => {},
    end: () => {
      deferred.run();
      pacing.rest();
    },
  };
  const pacing: Pacing = new Pacing(clock, loop, timers, deferred, poll, turn);
  return { loop, timers, deferred, pacing };
}

test('without traffic, timers and work nothing is ever scheduled', () => {
  const { loop, pacing } = paced();
  pacing.rest();
  expect([loop.immediates.length, loop.timeouts.length]).toEqual([0, 0]);
});

test('without looking and timers the clock is not read, and a timer is waited for all the same', () => {
  const { loop, timers, pacing } = paced(0, 1);
  let expired = 0;
  const timer = new Timer({ timerExpired: () => expired++ });
  timers.start(timer, nanoseconds(500));
  pacing.rest();
  for (let n = 0; n < 1000 && expired === 0; n++) loop.round(1);
  const read = loop.now;
  pacing.traffic();
  pacing.rest();
  expect([expired, loop.now - read, loop.immediates.length]).toEqual([1, 0, 0]);
});

test('after traffic the sockets are looked at for 100 us, then never again', () => {
  const { loop, pacing } = paced();
  loop.now = 1e9;
  pacing.traffic();
  pacing.rest();
  let rounds = 0;
  while (loop.round(9_000)) rounds++;
  expect(rounds).toBe(12); // the round that finds the 100 us over is the last
  expect(loop.timeouts).toEqual([]);
});

test('a near timer is waited for by looking, and expires within one round', () => {
  const { loop, timers, pacing } = paced(0);
  let expiredAt = 0;
  const timer = new Timer({
    timerExpired: () => {
      expiredAt = loop.now;
    },
  });
  timers.start(timer, nanoseconds(100_000));
  pacing.rest();
  while (expiredAt === 0 && loop.round(700));
  expect(expiredAt).toBeGreaterThanOrEqual(100_000);
  expect(expiredAt).toBeLessThan(100_700);
  expect(loop.timeouts).toEqual([]);
});

test('a timer that is nearer than a look takes is met to the reading of the clock', () => {
  const { loop, timers, pacing } = paced(0, 40);
  const expired: number[] = [];
  timers.start(new Timer({ timerExpired: () => expired.push(loop.now) }), nanoseconds(100_000));
  pacing.rest();
  loop.round(97_500);
  expect(expired).toHaveLength(1);
  expect(expired[0]).toBeGreaterThanOrEqual(100_000);
  expect(expired[0]).toBeLessThan(100_100);
});

test('what a timer did is traffic: its reply brings the next request', () => {
  const { loop, timers, pacing } = paced();
  timers.start(new Timer({ timerExpired: () => {} }), nanoseconds(1_000));
  pacing.rest();
  loop.round(1_000);
  expect(loop.immediates).toHaveLength(1);
});

test('a far timer: sleep until shortly before it; an earlier one wakes earlier', () => {
  const { loop, timers, pacing } = paced(0);
  timers.start(new Timer({ timerExpired: () => {} }), nanoseconds(50e6));
  pacing.rest();
  expect(loop.immediates).toHaveLength(0);
  expect(loop.timeouts.map((one) => one.milliseconds)).toEqual([49]);
  timers.start(new Timer({ timerExpired: () => {} }), nanoseconds(20e6));
  pacing.rest();
  pacing.rest();
  expect(loop.timeouts.map((one) => one.milliseconds)).toEqual([19]);
  loop.now = 19e6;
  loop.timeouts.shift()?.callback();
  expect(loop.immediates).toHaveLength(1); // now it is near
});

/** Another thread by hand. */
class FakeSource implements Source {
  pending = false;
  drained = 0;
  asleep = true;
  drain(): void {
    this.drained++;
    this.asleep = this.pending = false;
  }
  mayRest(): boolean {
    this.asleep = !this.pending;
    return this.asleep;
  }
}

test('a source is drained at every look, and told before nobody looks any more', () => {
  const { loop, pacing } = paced();
  const source = new FakeSource();
  pacing.source = source;
  loop.now = 1e9;
  pacing.traffic();
  pacing.rest();
  expect(source.asleep).toBe(true); // it was never asked
  let rounds = 0;
  while (loop.round(9_000)) {
    rounds++;
    expect(source.drained).toBe(rounds);
    expect(source.asleep).toBe(loop.immediates.length === 0);
  }
  expect(rounds).toBe(12);
});

test('what a source has when all would sleep is looked at; later it wakes', () => {
  const { loop, pacing } = paced();
  const source = new FakeSource();
  pacing.source = source;
  loop.now = 1e9;
  source.pending = true;
  pacing.rest();
  expect(loop.immediates).toHaveLength(1);
  loop.round(1_000);
  expect([source.drained, source.asleep, loop.immediates.length]).toEqual([1, true, 0]);
  pacing.wake();
  expect([source.drained, source.asleep, loop.immediates.length]).toEqual([2, true, 0]);
  pacing.rest(true);
  pacing.wake(); // somebody looks already
  expect([source.drained, loop.immediates.length]).toEqual([2, 1]);
});

test('deferred work: in order, once however often raised, next turn where asked', () => {
  const deferred = new Deferred();
  const ran: string[] = [];
  const work = (name: string, more?: () => void): DeferredWork => ({
    raised: false,
    runDeferred: () => {
      ran.push(name);
      more?.();
    },
  });
  const later = work('later');
  const second = work('second');
  const first = work('first', () => {
    deferred.raise(second);
    deferred.raiseNextTurn(later);
  });
  deferred.raise(first);
  deferred.raise(first);
  deferred.run();
  expect(ran).toEqual(['first', 'second']);
  expect(deferred.pending).toBe(true);
  deferred.run();
  expect(ran).toEqual(['first', 'second', 'later']);
  expect(deferred.pending).toBe(false);
});

test('work that raises itself for ever does not keep a turn from ending', () => {
  const deferred = new Deferred();
  let runs = 0;
  const endless: DeferredWork = {
    raised: false,
    runDeferred: () => {
      runs++;
      deferred.raise(endless);
    },
  };
  deferred.raise(endless);
  deferred.run();
  expect(runs).toBeLessThan(100);
  expect(deferred.pending).toBe(true);
});
