import { expect, test } from 'vitest';
import { ClientTime } from './client-time.ts';

const SECOND = 1e9;

test('whoever keeps within the limits may not be cut off', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 2, stallTime: 3 }, 1000);
  time.connected(0);
  expect(time.mayBeCut(4.9 * SECOND, true)).toBe(false);
  expect(time.mayBeCut(5 * SECOND, true)).toBe(true);
  time.moved(5 * SECOND, true);
  expect(time.mayBeCut(6.98 * SECOND, false)).toBe(false);
  // The reply left 1.4 ms before it came.
  expect(time.mayBeCut(6.9986 * SECOND, false)).toBe(true);
  expect(time.mayBeCut(7 * SECOND, false)).toBe(true);
});

test('whoever takes late what had come long before has been still until then', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 2, stallTime: 0 }, 1000);
  time.connected(0);
  time.moved(3 * SECOND, false);
  expect(time.mayBeCut(3.1 * SECOND, false)).toBe(true);
  expect(time.overdue(4 * SECOND, 'idle', 0)).toBe(false);
});

test('whoever goes on a moment too late may hear of the end after that', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 2, stallTime: 0 }, 1000);
  time.connected(0);
  time.moved(3 * SECOND, true);
  expect(time.mayBeCut(3 * SECOND, false)).toBe(true);
  expect(time.mayBeCut(3.1 * SECOND, false)).toBe(false);
});

test('so may whoever goes on a moment too late with half a request, and then the rest', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 2, stallTime: 0 }, 1000);
  time.connected(0);
  time.moved(3 * SECOND, true);
  time.moved(3 * SECOND + 246, true);
  expect(time.mayBeCut(3 * SECOND + 1336, false)).toBe(true);
  time.moved(3.1 * SECOND, true);
  expect(time.mayBeCut(3.1 * SECOND, false)).toBe(false);
});

test('whoever does not is to be cut off soon', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 0, stallTime: 2 }, 1000);
  time.connected(0);
  expect(time.overdue(6.5 * SECOND, 'handshake', 0)).toBe(false);
  expect(time.overdue(6.6 * SECOND, 'handshake', 0)).toBe(true);
  time.moved(10 * SECOND, true);
  expect(time.overdue(10 * SECOND, 'stall', 0)).toBe(false);
  expect(time.overdue(12.7 * SECOND, 'stall', 0)).toBe(false);
  expect(time.overdue(12.9 * SECOND, 'stall', 0)).toBe(true);
  expect(time.overdue(99 * SECOND, 'idle', 0)).toBe(false);
  expect(time.overdue(99 * SECOND, 'us', 0)).toBe(false);
});

test('the time begins when there is something to wait for', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 0, stallTime: 2 }, 1000);
  time.connected(0);
  expect(time.overdue(5 * SECOND, 'us', 0)).toBe(false);
  expect(time.overdue(9 * SECOND, 'stall', 0)).toBe(false);
  expect(time.overdue(11.7 * SECOND, 'stall', 0)).toBe(false);
  expect(time.overdue(11.9 * SECOND, 'stall', 0)).toBe(true);
});

test('and again when the server takes what was sent long before', () => {
  const time = new ClientTime({ handshakeTime: 5, idleTime: 0, stallTime: 2 }, 1000);
  time.connected(0);
  expect(time.overdue(1 * SECOND, 'stall', 0)).toBe(false);
  expect(time.overdue(4.7 * SECOND, 'stall', 2 * SECOND)).toBe(false);
  expect(time.overdue(4.9 * SECOND, 'stall', 2 * SECOND)).toBe(true);
});
