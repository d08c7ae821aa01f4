/** Which clients are turned away, and how often that is logged. */

import { expect, test } from 'vitest';
import { Admission, Burst, origin } from '../../src/server/admission.ts';
import { type ClientLimits, withDefaults } from '../../src/server/client-limits.ts';
import { RefusedConnections } from '../../src/server/refused-connections.ts';
import { FakeScheduler } from './fake-scheduler.ts';

function made(limits: Partial<ClientLimits>) {
  const scheduler = new FakeScheduler();
  const lines: string[] = [];
  const say = (facts: object, message: string): void => {
    lines.push(`${JSON.stringify(facts)} ${message}`);
  };
  const burst = new Burst(scheduler, { debug: say, info: say, warn: say, error: say });
  const refused = new RefusedConnections();
  const admission = new Admission(withDefaults(limits), burst, refused);
  return { scheduler, lines, burst, admission, counts: () => Object.fromEntries(refused.total()) };
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::5', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, undefined],
])('%s counts as %s', (address, as) => {
  expect(origin(address)).toBe(as);
});

test('the limit in total: who is beyond is turned away until somebody leaves', () => {
  const { admission } = made({ connections: 2 });
  const leave = admission.admit('192.0.2.1');
  expect(admission.admit(undefined)).toBeDefined();
  expect(admission.admit('192.0.2.2')).toBeUndefined();
  expect(admission.admit(undefined)).toBeUndefined();
  leave?.();
  expect(admission.admit('192.0.2.2')).toBeDefined();
});

test('the limit for one address: others and unix clients come in', () => {
  const { admission } = made({ connectionsPerAddress: 1 });
  const leave = admission.admit('2001:db8::1');
  expect(admission.admit('2001:db8::2')).toBeUndefined();
  expect(admission.admit('2001:db8:0:1::2')).toBeDefined();
  expect(admission.admit(undefined)).toBeDefined();
  expect(admission.admit(undefined)).toBeDefined();
  leave?.();
  expect(admission.admit('2001:db8::2')).toBeDefined();
});

test('0 is no limit', () => {
  const { admission } = made({ connections: 0, connectionsPerAddress: 0 });
  for (let n = 0; n < 3000; n++) expect(admission.admit('192.0.2.1')).toBeDefined();
});

test('a burst of refusals is one line, and one more that counts them', () => {
  const { admission, lines, scheduler } = made({ connections: 1 });
  admission.admit('192.0.2.1');
  for (let n = 0; n < 500; n++) expect(admission.admit('192.0.2.2')).toBeUndefined();
  expect(lines).toEqual([
    '{"from":"192.0.2.2","connections":1} a client was turned away: --max-connections',
  ]);
  scheduler.advance(10_000);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('{"more":499}');
  scheduler.advance(10_000); // it is over: no word of nothing
  expect(lines).toHaveLength(2);
  expect(scheduler.pending).toBe(0);
  admission.admit('192.0.2.2');
  expect(lines).toHaveLength(3);
});

test('when the server has stopped no timer is left', () => {
  const { burst, lines, scheduler } = made({});
  burst.happened({}, 'it happened');
  burst.close();
  expect(scheduler.pending).toBe(0);
  burst.happened({}, 'it happened');
  expect(lines).toHaveLength(1);
});

test('who is turned away is counted by the reason', () => {
  const { admission, counts } = made({ connections: 3, connectionsPerAddress: 1 });
  const none = { 'max-connections': 0, 'max-connections-per-address': 0, memory: 0, accept: 0 };
  admission.admit('192.0.2.1');
  expect(counts()).toEqual(none);
  admission.admit('192.0.2.1');
  admission.admit('192.0.2.1');
  expect(counts()).toEqual({ ...none, 'max-connections-per-address': 2 });
  admission.admit('192.0.2.2');
  admission.admit('192.0.2.3');
  admission.admit('192.0.2.4');
  expect(counts()).toEqual({ ...none, 'max-connections-per-address': 2, 'max-connections': 1 });
});
