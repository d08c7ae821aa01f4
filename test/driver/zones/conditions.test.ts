import { describe, expect, test } from 'vitest';
import { ErrnoError } from '../../../src/config/errors.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { ZonedDevice } from './world.ts';

const conditions = [
  ['read-only', 'offline'],
  ['offline', 'read-only'],
] as const;

describe.each(conditions)('a zone made %s', (condition, other) => {
  test.each(Object.entries(ZoneCondition).filter(([, from]) => from !== ZoneCondition.NOT_WP))(
    'from %s keeps its data and loses its write pointer',
    (_, from) => {
      const device = new ZonedDevice();
      device.bring(1, from);
      const already = device.brief(1) === `${condition}@-1`;
      expect(device.zones.setCondition(100, condition)).toBe(true);
      expect(device.brief(1)).toBe(already ? 'empty@64' : `${condition}@-1`);
      expect(device.discarded).toEqual(already ? [[64, 64]] : []);
      expect([device.zones.openCount, device.zones.activeCount]).toEqual([0, 0]);
    },
  );

  test(`may go straight to ${other} and keeps its data`, () => {
    const device = new ZonedDevice();
    device.zones.setCondition(0, condition);
    expect(device.zones.setCondition(0, other)).toBe(true);
    expect(device.brief(0)).toBe(`${other}@-1`);
    expect(device.discarded).toEqual([]);
  });

  test('a second time is empty, without its data, and may be used', () => {
    const device = new ZonedDevice();
    device.write(0, 8);
    device.zones.setCondition(63, condition);
    expect(device.zones.setCondition(0, condition)).toBe(true);
    expect(device.brief(0)).toBe('empty@0');
    expect(device.discarded).toEqual([[0, 64]]);
    expect(device.write(0, 8)).toBe(0);
  });

  test('a second time stays so when there is no memory to discard with', () => {
    const device = new ZonedDevice();
    device.zones.setCondition(0, condition);
    device.outOfMemory = true;
    expect(() => device.zones.setCondition(0, condition)).toThrow(ErrnoError);
    expect(device.brief(0)).toBe(`${condition}@-1`);
  });

  test('must be a sequential zone of the device', () => {
    const device = new ZonedDevice({ conventional: 1 });
    for (const sector of [0, 63, 512, 2 ** 60, Number.NaN, -1])
      expect(device.zones.setCondition(sector, condition)).toBe(false);
    expect(device.brief(0)).toBe('not-wp@64');
  });
});
