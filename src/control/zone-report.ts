/** A zone report as JSON, in slices: between two of them the data path has its turn, however many
 *  zones there are. Source: control.md section 3, driver.md section 6 (Report). */

import { setImmediate } from 'node:timers/promises';
import { bug } from '../units.ts';
import type { ControlledZones, ZoneFacts } from './controlled.ts';
import { limits } from './limits.ts';

const types: ReadonlyMap<number, string> = new Map([
  [1, 'conventional'],
  [2, 'sequential'],
]);

const conditions: ReadonlyMap<number, string> = new Map([
  [0, 'not-wp'],
  [1, 'empty'],
  [2, 'implicit-open'],
  [3, 'explicit-open'],
  [4, 'closed'],
  [13, 'read-only'],
  [14, 'full'],
  [15, 'offline'],
]);

function zoneText(zone: ZoneFacts): string {
  const type = types.get(zone.type) ?? bug(`${zone.type} is no type of zone`);
  const condition = conditions.get(zone.condition) ?? bug(`${zone.condition} is no condition`);
  // By hand, since it is three times as fast: nothing in it needs escaping.
  return (
    `{"start":${zone.start},"length":${zone.length},"capacity":${zone.capacity},` +
    `"writePointer":${zone.writePointer},"type":"${type}","condition":"${condition}"}`
  );
}

/** @param from a sector; the report begins with the zone that holds it. @param count at most. */
export async function* zoneReport(
  zones: ControlledZones,
  from: number,
  count: number,
): AsyncGenerator<string> {
  const last = zones.info(zones.count - 1);
  const first = from < last.start + last.length ? zones.indexOf(from) : zones.count;
  const end = Math.min(zones.count, first + count);
  const slice = limits.zonesPerSlice.max;
  yield '{"zones":[';
  for (let at = first; at < end; at += slice) {
    const texts: string[] = [];
    for (let zone = at; zone < Math.min(end, at + slice); zone++) {
      texts.push(zoneText(zones.info(zone)));
    }
    yield `${at > first ? ',' : ''}${texts.join(',')}`;
    await setImmediate();
  }
  yield ']}';
}
