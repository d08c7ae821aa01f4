import { expect, test } from 'vitest';
import { BusyPoll } from '../../src/time/busy-poll.ts';
import { nanoseconds } from '../../src/units.ts';

/** Traffic every `gap` ns, looked at every 1 us in between. @returns the ns spent looking, by gap. */
function lookedFor(poll: BusyPoll, gap: number, times: number, from = 0): number[] {
  const looked: number[] = [];
  for (let n = 0; n < times; n++) {
    const start = from + n * gap;
    poll.traffic(start);
    let ns = 0;
    while (ns < gap && poll.pays(start + ns)) ns += 1_000;
    looked.push(ns);
  }
  return looked;
}

test('a client that comes again soon is always awaited awake', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  expect(lookedFor(poll, 60_000, 50)).toEqual(new Array(50).fill(60_000));
});

test('a client of one request every millisecond is soon awaited asleep', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  const looked = lookedFor(poll, 1e6, 12);
  expect(looked).toEqual([...new Array(8).fill(100_000), 0, 0, 0, 0]);
});

test('it is tried again, the rarer the more often it was for nothing', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  const looked = lookedFor(poll, 1e6, 3000);
  const trials = looked.flatMap((ns, at) => (ns > 0 && at >= 8 ? [at] : []));
  const gaps = trials.map((at, n) => at - (trials[n - 1] ?? 8));
  expect(gaps.slice(0, 8)).toEqual([4, 9, 17, 33, 65, 129, 257, 257]);
  expect(gaps.slice(8).every((gap) => gap === 257)).toBe(true);
});

test('and awake again once it comes more often, even if the wake-ups themselves make it look slow', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  const seen: number[] = [];
  let now = 0;
  const request = (gapAwake: number, gapAsleep: number): void => {
    now += (seen.at(-1) ?? 0) > 0 ? gapAwake : gapAsleep;
    poll.traffic(now);
    let ns = 0;
    while (ns < gapAwake && poll.pays(now + ns)) ns += 1_000;
    seen.push(ns);
  };
  for (let n = 0; n < 12; n++) request(1e6, 1e6);
  const slow = seen.length;
  for (let n = 0; n < 40; n++) request(25_000, 110_000);
  expect(seen[slow - 1]).toBe(0);
  expect(seen.slice(-24)).toEqual(new Array(24).fill(25_000));
});

test('pauses of the machine do not end it', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  lookedFor(poll, 20_000, 8);
  expect(lookedFor(poll, 5e6, 4, 1e9)).toEqual(new Array(4).fill(100_000));
  expect(lookedFor(poll, 80_000, 3, 2e9)).toEqual([80_000, 80_000, 80_000]);
});

test('once it says no it stays with it until there is traffic', () => {
  const poll = new BusyPoll(nanoseconds(10_000));
  poll.traffic(0);
  expect([poll.pays(9_999), poll.pays(10_000), poll.pays(9_999)]).toEqual([true, false, false]);
});

test('0 is never', () => {
  const poll = new BusyPoll(nanoseconds(0));
  expect(lookedFor(poll, 1_000, 20)).toEqual(new Array(20).fill(0));
});

test('behind a reply that took long the next request is awaited awake, although looking never paid', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  lookedFor(poll, 1e6, 10);
  expect(poll.pays(1e9)).toBe(false);
  poll.replied(1e9);
  expect([poll.pays(1e9 + 99_999), poll.pays(1e9 + 100_000)]).toEqual([true, false]);
});
