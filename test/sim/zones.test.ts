/** What the simulation knows of zones that no report says. */

import { expect, test } from 'vitest';
import { ZoneCondition, type ZoneInfo, ZoneType } from '../../src/driver/zones/zone.ts';
import { sector } from '../../src/units.ts';
import { SimZones } from './zones.ts';

const { EMPTY, IMP_OPEN, NOT_WP } = ZoneCondition;

function zonesOf(...conditions: ZoneCondition[]): SimZones {
  const info = (index: number): ZoneInfo => {
    const condition = conditions[index] ?? EMPTY;
    const type = condition === NOT_WP ? ZoneType.CONVENTIONAL : ZoneType.SEQWRITE_REQ;
    const [start, length] = [sector(index * 8), sector(8)];
    return { start, length, capacity: length, writePointer: start, type, condition };
  };
  return new SimZones(() => ({ count: conditions.length, info }));
}

function discarded(zones: SimZones, what: 'reset' | 'reset-all', from = 0): number[] {
  return zones.discarded(zones.sequential.slice(from), what).map(({ index }) => index);
}

test('a reset discards what an empty zone had before a power off', () => {
  expect(discarded(zonesOf(NOT_WP, EMPTY, IMP_OPEN), 'reset')).toEqual([1, 2]);
  expect(discarded(zonesOf(EMPTY, EMPTY, IMP_OPEN), 'reset', 1)).toEqual([1, 2]);
});

test('a reset of all does not, also where all are named', () => {
  expect(discarded(zonesOf(NOT_WP, EMPTY, IMP_OPEN), 'reset-all')).toEqual([2]);
  expect(discarded(zonesOf(EMPTY, EMPTY, IMP_OPEN), 'reset')).toEqual([2]);
});
