import { expect, test } from 'vitest';
import { limitLeaveTaking } from '../../src/server/leave-taking.ts';
import type { WaitsFor } from '../../src/server/watch.ts';
import { FakeScheduler } from './fake-scheduler.ts';

class Client {
  waitsFor: WaitsFor = 'us';
  destroyed = 0;

  destroy(): void {
    this.destroyed++;
  }
}

test('requests in flight take as long as they take; a client that stops has 5 s in all', () => {
  const scheduler = new FakeScheduler();
  const [busy, stops, late] = [new Client(), new Client(), new Client()];
  stops.waitsFor = 'client';
  const over = limitLeaveTaking([busy, stops, late], scheduler, 5000);
  scheduler.advance(4999);
  expect(stops.destroyed).toBe(0);
  scheduler.advance(1);
  expect([busy.destroyed, stops.destroyed, late.destroyed]).toEqual([0, 1, 0]);
  scheduler.advance(60_000);
  late.waitsFor = 'nothing';
  scheduler.advance(3000);
  late.waitsFor = 'us';
  scheduler.advance(60_000);
  late.waitsFor = 'client';
  scheduler.advance(1999);
  expect(late.destroyed).toBe(0);
  scheduler.advance(1);
  expect([busy.destroyed, stops.destroyed, late.destroyed]).toEqual([0, 1, 1]);
  over();
  expect(scheduler.pending).toBe(0);
});
