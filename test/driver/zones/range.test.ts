import { describe, expect, test } from 'vitest';
import { managementRange } from '../../../src/driver/zones/range.ts';
import { ZonedDevice } from './world.ts';

const { zones } = new ZonedDevice({ capacity: 160 }); // 64, 64 and 32 sectors

describe('a range of management', () => {
  test.each([
    [0, 64, { first: 0, count: 1, whole: false }],
    [64, 64, { first: 1, count: 1, whole: false }],
    [0, 128, { first: 0, count: 2, whole: false }],
    [128, 32, { first: 2, count: 1, whole: false }],
    [64, 96, { first: 1, count: 2, whole: false }],
    [0, 160, { first: 0, count: 3, whole: true }],
  ])('from %i of %i sectors is whole zones', (sector, sectors, range) => {
    expect(managementRange(zones, sector, sectors)).toEqual(range);
  });

  test.each([
    ['begins in a zone', 8, 64],
    ['ends in a zone', 0, 8],
    ['ends in another zone', 0, 72],
    ['is empty', 0, 0],
    ['begins at the end', 160, 64],
    ['begins behind the end', 192, 64],
    ['goes over the end', 128, 64],
    ['goes over the end by whole zones', 0, 192],
    ['has no whole numbers', 0.5, 64],
    ['ends amid a sector', 0, 64.5],
    ['is negative', -64, 64],
    ['goes backwards', 64, -64],
    ['is not a number', Number.NaN, 64],
    ['has no number of sectors', 0, Number.NaN],
    ['is past all numbers', 0, Number.POSITIVE_INFINITY],
  ])('that %s is invalid', (_, sector, sectors) => {
    expect(managementRange(zones, sector, sectors)).toBeUndefined();
  });

  test('without a length is one zone', () => {
    expect(managementRange(zones, 64)).toEqual({ first: 1, count: 1, whole: false });
    expect(managementRange(zones, 128)).toEqual({ first: 2, count: 1, whole: false });
    expect(managementRange(zones, 8)).toBeUndefined();
  });

  test('of a device of one zone is the whole device', () => {
    const { zones } = new ZonedDevice({ capacity: 64 });
    expect(managementRange(zones, 0, 64)).toEqual({ first: 0, count: 1, whole: true });
  });
});
