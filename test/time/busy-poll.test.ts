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
  const looked = lookedFor(poll, 1e6, 10);
  expect(looked).toEqual([100_000, 50_000, 25_000, 13_000, 7_000, 0, 0, 0, 0, 0]);
});

test('and awake again once it comes more often', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  lookedFor(poll, 1e6, 10);
  const looked = lookedFor(poll, 20_000, 8, 1e9);
  // The first came late, so it brings nothing; then 4, 8, 16 us are too short, and 32 are not.
  expect(looked).toEqual([0, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000, 20_000]);
});

test('a pause costs one window, and the next request but one brings it back', () => {
  const poll = new BusyPoll(nanoseconds(100_000));
  lookedFor(poll, 20_000, 8);
  expect(poll.pays(5e8)).toBe(false);
  expect(lookedFor(poll, 80_000, 3, 1e9)).toEqual([50_000, 80_000, 80_000]);
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
