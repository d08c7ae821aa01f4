/** Bytes on their way to a client whose connection misbehaves. Source: faults.md section 3. */

import { expect, test } from 'vitest';
import { WireTap } from '../../src/server/wire-tap.ts';
import { nanoseconds } from '../../src/units.ts';

test('what the socket has not taken when the tap is put there is not told as taken', async () => {
  const written: number[] = [];
  let taken = 0;
  const next = {
    writeNow: () => 0,
    write: (parts: readonly Uint8Array[]) => written.push(parts.length) > 0,
    cutOff: () => {},
    drained: () => {},
    reset: () => {},
    hangUp: () => {},
  };
  const tap = new WireTap(next, () => taken++, true);
  const fault = {
    wire: { form: 'drip', bytes: 65_536, apart: nanoseconds(1000) },
    fill: () => {},
    stalls: () => () => {},
    later: () => () => {},
  } as const;
  tap.plan(fault, 0, 16);
  await Promise.resolve();
  expect({ taken, written }).toEqual({ taken: 0, written: [] });
  tap.sent();
  expect(taken).toBe(1);
  expect(tap.write([new Uint8Array(16)])).toBe(true);
  expect(written).toEqual([1]);
});
