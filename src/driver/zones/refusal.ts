/** Why a request was refused, in words for people. Made after the fact, from a zone that the refusal
 *  left as it was: the rules themselves carry no text and allocate nothing. */

import { Command, overwrites } from '../../block/command.ts';
import { Status } from '../../block/status.ts';
import type { NullOwned } from '../completion.ts';
import { onWrite } from './transitions.ts';
import { ZoneCondition, zoneConditionNames } from './zone.ts';
import type { ZoneSet } from './zone-set.ts';

const verbs = {
  [Command.READ]: 'read',
  [Command.WRITE]: 'write',
  [Command.FLUSH]: 'flush',
  [Command.DISCARD]: 'discard',
  [Command.ZONE_APPEND]: 'append',
  [Command.WRITE_ZEROES]: 'write of zeroes',
  [Command.ZONE_OPEN]: 'open',
  [Command.ZONE_CLOSE]: 'close',
  [Command.ZONE_FINISH]: 'finish',
  [Command.ZONE_RESET]: 'reset',
  [Command.ZONE_RESET_ALL]: 'reset of all zones',
} as const satisfies Record<Command, string>;

/** One sentence about `request`, which the rules of `zones` refused with `status`. */
export function refusalText(zones: ZoneSet, request: NullOwned, status: Status): string {
  const command = request.command();
  const verb = verbs[command];
  if (command === Command.ZONE_RESET_ALL) return `${verb}: no memory to discard their data`;
  const index = zones.indexOf(request.sector());
  return `zone ${index}: ${verb} ${why(zones, index, request, status)}`;
}

function why(zones: ZoneSet, index: number, request: NullOwned, status: Status): string {
  const { maxOpen, maxActive, appendMaxSectors } = zones.options;
  const sectors = request.sectors();
  switch (status) {
    case Status.ZONE_OPEN_RESOURCE:
      return `but no more than ${maxOpen} may be open (zone_max_open)`;
    case Status.ZONE_ACTIVE_RESOURCE:
      return `but no more than ${maxActive} may be active (zone_max_active)`;
    case Status.NOSPC:
      return 'but there is no memory to discard its data';
    case Status.INVAL:
      return sectors > appendMaxSectors
        ? `of ${sectors} sectors but an append has at most ${appendMaxSectors}`
        : `at sector ${request.sector()} but the zone starts at ${zones.start(index)}`;
    default:
      return whyNot(zones, index, request);
  }
}

/** The reason of an IOERR, in the order of the rules. */
function whyNot(zones: ZoneSet, index: number, request: NullOwned): string {
  const command = request.command();
  const condition = zones.condition(index);
  const appends = command === Command.ZONE_APPEND;
  if (appends && zones.options.appendMaxSectors === 0)
    return 'but zone append is off (zone_append_max_sectors is 0)';
  const writes = overwrites(command);
  const conventional = condition === ZoneCondition.NOT_WP;
  if (conventional && !writes) return 'but the zone is conventional';
  if (!(writes || appends) || onWrite[condition] === 'refuse')
    return `but the zone is ${zoneConditionNames[condition]}`;
  const pointer = zones.writePointer(index);
  const sector = appends ? pointer : request.sector();
  if (!conventional && sector !== pointer)
    return `at sector ${sector} but the write pointer is at ${pointer}`;
  const end = zones.start(index) + zones.capacity(index);
  return `of ${request.sectors()} sectors at sector ${sector} but its capacity ends at ${end}`;
}
