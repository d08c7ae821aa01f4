/** Time for a handshake: the usual one, and more for a client that goes through a long list. */

import { handshakeLimits } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { HandshakeTime } from '../../src/server/handshake-time.ts';
import { limits } from '../../src/server/limits.ts';
import { FakeScheduler } from './fake-scheduler.ts';

function begun(options: { taken: number }) {
  const scheduler = new FakeScheduler();
  const ended: string[] = [];
  const context = { scheduler, limits: { handshakeTime: 10 } };
  const time = new HandshakeTime(
    context,
    () => options.taken,
    () => ended.push('over'),
  );
  return { scheduler, ended, time };
}

test.each([0, 1, handshakeLimits.options.max])('%i options in all: the usual time', (taken) => {
  const { scheduler, ended } = begun({ taken });
  scheduler.advance(9999);
  expect(ended).toEqual([]);
  scheduler.advance(1);
  expect(ended).toEqual(['over']);
  expect(scheduler.pending).toBe(0);
});

test('who goes on gets time for each further option, who stops does not', () => {
  const options = { taken: handshakeLimits.options.max + 500 };
  const { scheduler, ended } = begun(options);
  const more = 500 * limits.furtherOptionTime.max;
  scheduler.advance(10_000 + more - 1);
  options.taken += 100;
  scheduler.advance(100 * limits.furtherOptionTime.max);
  expect(ended).toEqual([]);
  scheduler.advance(1);
  expect(ended).toEqual(['over']);
});

test('an agreement ends it', () => {
  const { scheduler, ended, time } = begun({ taken: 5000 });
  scheduler.advance(10_000);
  time.cancel();
  expect(scheduler.pending).toBe(0);
  scheduler.advance(1e9);
  expect(ended).toEqual([]);
});
