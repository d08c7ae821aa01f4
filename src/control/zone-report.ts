/** A zone report as JSON, in pieces. Source: control.md section 3, driver.md section 6 (Report). */

import { type ZoneInfo, zoneConditionNames, zoneTypeNames } from '../driver/zones/zone.ts';
import type { ZoneSet } from '../driver/zones/zone-set.ts';
import { limits } from './limits.ts';
import { joined } from './slices.ts';

function zoneText(zone: ZoneInfo): string {
  // Written by hand, which is three times as fast: nothing in it needs escaping.
  return (
    `{"start":${zone.start},"length":${zone.length},"capacity":${zone.capacity},` +
    `"writePointer":${zone.writePointer},"type":"${zoneTypeNames[zone.type]}",` +
    `"condition":"${zoneConditionNames[zone.condition]}"}`
  );
}

function* infos(zones: ZoneSet, first: number, end: number): Generator<ZoneInfo> {
  for (let index = first; index < end; index++) yield zones.info(index);
}

/** @param from a sector; the report begins with the zone that holds it. @param count at most. */
export function* zoneReport(zones: ZoneSet, from: number, count: number): Generator<string> {
  const holds = zones.indexOf(from);
  const first = holds < 0 ? zones.count : holds;
  const end = Math.min(zones.count, first + count);
  yield '{"zones":[';
  yield* joined(infos(zones, first, end), limits.zonesPerPiece.max, zoneText, ',');
  yield ']}\n';
}
