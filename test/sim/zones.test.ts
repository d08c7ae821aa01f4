/** What the simulation knows of zones that no report says. */

import { expect, test } from 'vitest';
import { ZoneCondition, type ZoneInfo, ZoneType } from '../../src/driver/zones/zone.ts';
import { sector } from '../../src/units.ts';
import { SimZones } from './zones.ts';

const { CLOSED, EMPTY, IMP_OPEN, NOT_WP, OFFLINE } = ZoneCondition;

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

test('what nobody was at is as it was before a cut, and not open', () => {
  const zones = zonesOf(NOT_WP, EMPTY, CLOSED, OFFLINE);
  const [, written] = zones.sequential;
  const before = zones.idle();
  expect(before.map(({ index }) => index)).toEqual([1, 2, 3]);
  if (written === undefined) throw new Error('there are three');
  expect(zones.claim(written, zones, 1)).toBe(true);
  const left = zones.untouched(before);
  expect(left.map(({ index }) => index)).toEqual([1, 3]);
  const look = (...conditions: ZoneCondition[]) =>
    zonesOf(...conditions).became(left, 'a cut', true);
  expect(() => look(NOT_WP, EMPTY, EMPTY, OFFLINE)).not.toThrow();
  expect(() => look(NOT_WP, EMPTY, EMPTY, EMPTY)).toThrow('written 24, not offline 24');
  expect(() => look(NOT_WP, IMP_OPEN, EMPTY, OFFLINE)).toThrow('and open');
});

test('while all change nobody begins anything', () => {
  const zones = zonesOf(NOT_WP, EMPTY);
  const [zone] = zones.sequential;
  if (zone === undefined) throw new Error('there is one');
  zones.closed = true;
  expect(zones.claim(zone, zones, 1)).toBe(false);
});
