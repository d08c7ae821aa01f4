/** Percentiles between two looks. */

import { expect, test } from 'vitest';
import { percentilesSince } from '../../src/cli/percentiles.ts';
import { serve } from '../control/served.ts';

test('what was slow before does not count', () => {
  const before = [[1000, 98] as const, [900_000, 2] as const];
  const now = [[1000, 98] as const, [2000, 100] as const, [900_000, 2] as const];
  expect(percentilesSince(now, before, 900_000)).toEqual({ p50: 2000, p99: 2000, max: 2000 });
});

test('what began anew counts whole, and no bucket ends behind the longest', () => {
  const before = [[1000, 98] as const];
  const now = [[1000, 2] as const, [5000, 2] as const];
  expect(percentilesSince(now, before, 4900)).toEqual({ p50: 1000, p99: 4900, max: 4900 });
  expect(percentilesSince([], before, 0)).toEqual({ p50: 0, p99: 0, max: 0 });
});

test('shares are of the requests, not of the buckets', () => {
  const now = [[10, 50] as const, [20, 49] as const, [30, 1] as const];
  expect(percentilesSince(now, [], 30)).toEqual({ p50: 10, p99: 20, max: 30 });
});

test('the API has the buckets that hold something, by operation', async () => {
  const it = await serve();
  await it.tree.create('nullb0', new Map([['power', '1']]));
  const url = '/v1/devices/nullb0/latencies';
  expect((await it.ask('GET', url)).json).toMatchObject({ read: [], write: [] });
  it.io('read', 0, 8);
  it.io('read', 0, 8);
  expect((await it.ask('GET', url)).json).toMatchObject({ read: [[0, 2]], write: [] });
});
