/** Idle and stalled clients are cut off in time, and nobody else. */

import { expect, test } from 'vitest';
import { type ClientLimits, withDefaults } from '../../src/server/client-limits.ts';
import { type WaitsFor, Watch, type Watched } from '../../src/server/watch.ts';
import { FakeScheduler } from './fake-scheduler.ts';

class Client implements Watched {
  moved = 0;
  waitsFor: WaitsFor;
  reason = '';
  constructor(waitsFor: WaitsFor) {
    this.waitsFor = waitsFor;
  }
  cutOff(reason: string): void {
    this.reason = reason;
  }
}

function watched(limits: Partial<ClientLimits>, waitsFor: WaitsFor) {
  const scheduler = new FakeScheduler();
  const watch = new Watch(scheduler, withDefaults(limits));
  const client = new Client(waitsFor);
  watch.add(client);
  return { scheduler, watch, client };
}

test.each([1, 8, 120])('who stops in the middle for %i s is cut off', (stallTime) => {
  const { scheduler, client } = watched({ stallTime }, 'client');
  scheduler.advance(stallTime * 1000 - 1);
  expect(client.reason).toBe('');
  scheduler.advance(stallTime * 250 + 1);
  expect(client.reason).toBe(`stopped in the middle for ${stallTime} s (--stall-timeout)`);
});

test('who goes on, however slowly, is not', () => {
  const { scheduler, client } = watched({ stallTime: 8 }, 'client');
  for (let n = 0; n < 20; n++) {
    client.moved++;
    scheduler.advance(7000);
  }
  expect(client.reason).toBe('');
});

test('whose requests take long is not: that is ours', () => {
  const { scheduler, client } = watched({ stallTime: 1, idleTime: 1 }, 'us');
  scheduler.advance(1_000_000);
  expect(client.reason).toBe('');
  client.waitsFor = 'client';
  scheduler.advance(900);
  expect(client.reason).toBe('');
});

test('an idle client may stay for ever, unless there is a limit', () => {
  const forever = watched({}, 'nothing');
  forever.scheduler.advance(1_000_000_000);
  expect(forever.client.reason).toBe('');
  const limited = watched({ idleTime: 60 }, 'nothing');
  limited.scheduler.advance(75_000);
  expect(limited.client.reason).toBe('idle for 60 s (--idle-timeout)');
});

test('no timer without limits, nor without clients', () => {
  expect(watched({ stallTime: 0, idleTime: 0 }, 'client').scheduler.pending).toBe(0);
  const { scheduler, watch, client } = watched({}, 'client');
  const other = new Client('nothing');
  watch.add(other);
  watch.remove(client);
  expect(scheduler.pending).toBe(1);
  watch.remove(other);
  expect(scheduler.pending).toBe(0);
});
