import { describe, expect, test } from 'vitest';
import { managementRange, trimmedZones } from '../../../src/driver/zones/range.ts';
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
    ['is no number', Number.NaN, 64],
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

describe('a trim', () => {
  test.each([
    ['a part of a zone', 8, 16, undefined],
    ['parts of two zones', 32, 64, undefined],
    ['a zone', 64, 64, [1, 1]],
    ['a zone and parts of its neighbours', 60, 80, [1, 1]],
    ['the short last zone', 128, 32, [2, 1]],
    ['the whole device', 0, 160, [0, 3]],
    ['a length that ends a sector early', 0, 159, [0, 2]],
  ])('of %s resets the zones that it covers whole', (_, sector, sectors, expected) => {
    const range = trimmedZones(zones, sector, sectors);
    expect(range && [range.first, range.count]).toEqual(expected);
  });

  test('leaves conventional zones alone', () => {
    const { zones } = new ZonedDevice({ conventional: 2 });
    expect(trimmedZones(zones, 0, 128)).toBeUndefined();
    expect(trimmedZones(zones, 0, 512)).toEqual({ first: 2, count: 6, whole: false });
  });
});
