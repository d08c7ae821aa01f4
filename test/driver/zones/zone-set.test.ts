import { describe, expect, test } from 'vitest';
import { ErrnoError } from '../../../src/config/errors.ts';
import { ZoneSet } from '../../../src/driver/zones/zone-set.ts';
import { ZonedDevice, zoneOptions } from './world.ts';

describe('zones are built', () => {
  test('empty, with the write pointer at their start', () => {
    const device = new ZonedDevice({ capacity: 128 });
    expect(device.zones.report()).toEqual([
      { start: 0, length: 64, capacity: 64, writePointer: 0, type: 2, condition: 1 },
      { start: 64, length: 64, capacity: 64, writePointer: 64, type: 2, condition: 1 },
    ]);
  });

  test('with a short last zone where the zone size does not divide the capacity', () => {
    const device = new ZonedDevice({ capacity: 160 });
    expect(device.zones.count).toBe(3);
    expect(device.zone(2)).toMatchObject({ start: 128, length: 32, capacity: 32 });
  });

  test('conventional at the start, with their whole length as capacity', () => {
    const device = new ZonedDevice({ conventional: 2, zoneCapacitySectors: 40, full: true });
    expect(device.zone(1)).toEqual({
      start: 64,
      length: 64,
      capacity: 64,
      writePointer: 128,
      type: 1,
      condition: 0,
    });
    expect(device.zone(2)).toMatchObject({ type: 2, capacity: 40 });
  });

  test('full with zone_full, with the write pointer at the end of the capacity', () => {
    const device = new ZonedDevice({ full: true, zoneCapacitySectors: 40 });
    expect(device.brief(0, 7)).toBe('full@40 full@488');
    expect([device.zones.openCount, device.zones.activeCount]).toEqual([0, 0]);
    expect(device.reset(0)).toBe(0);
    expect(device.brief(0)).toBe('empty@0');
  });

  test('never more than can be kept', () => {
    const options = zoneOptions({ capacity: 2 ** 43, zoneSectors: 2048 });
    expect(() => new ZoneSet(options, () => true)).toThrow(ErrnoError);
  });
});

describe('a report', () => {
  const device = new ZonedDevice({ capacity: 160 });
  test.each([
    [undefined, undefined, [0, 64, 128]],
    [0, 2, [0, 64]],
    [63, 1, [0]],
    [64, 5, [64, 128]],
    [159, 5, [128]],
    [160, 5, []],
    [2 ** 60, undefined, []],
    [0, 0, []],
  ])('from sector %s of at most %s zones', (sector, most, starts) => {
    expect(device.zones.report(sector, most).map(({ start }) => start)).toEqual(starts);
  });

  test('finds sectors beyond 2^32', () => {
    const zones = new ZoneSet(zoneOptions({ capacity: 2 ** 44, zoneSectors: 2 ** 40 }), () => true);
    expect(zones.indexOf(2 ** 40 * 3 - 1)).toBe(2);
    expect(zones.indexOf(2 ** 40 * 3)).toBe(3);
    expect(zones.info(15)).toMatchObject({ start: 2 ** 40 * 15, writePointer: 2 ** 40 * 15 });
  });
});

describe('100,000 zones', () => {
  const options = zoneOptions({ capacity: 100_000 * 2048, zoneSectors: 2048, maxOpen: 10 });

  test('are all reported', () => {
    const zones = new ZoneSet(options, () => true).report();
    expect(zones).toHaveLength(100_000);
    expect(zones.at(-1)).toMatchObject({ start: 99_999 * 2048, writePointer: 99_999 * 2048 });
  });

  test('take writes where each write closes another zone', () => {
    const zones = new ZoneSet(options, () => true);
    for (let i = 0; i < 20_000; i++) {
      const index = (i * 49_999) % 100_000;
      zones.beginWrite(index, zones.start(index), 8);
      zones.wrote(index, 8);
    }
    expect(zones.openCount).toBe(10);
  });
});
