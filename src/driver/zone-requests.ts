/** Zone management and appends as the control side asks for them: ranges become one request a zone,
 *  and an append is a write where the device has none of its own. The rules are zones/'s.
 *  Source: driver.md sections 1 (zone_append_max_sectors) and 6 (Ranges). */

import { Command } from '../block/command.ts';
import type { Disk } from '../block/disk.ts';
import { Status } from '../block/status.ts';
import type { BlockContext } from '../block/tag-set.ts';
import { SECTOR_BYTES, type Sector, sector } from '../units.ts';
import type { NullData } from './completion.ts';
import { type ControlRequests, type Outcome, outcome } from './control-requests.ts';
import { managementRange } from './zones/range.ts';
import { onWrite } from './zones/transitions.ts';
import { ZoneCondition, zoneConditionNames } from './zones/zone.ts';
import type { ZoneSet } from './zones/zone-set.ts';

export type ZoneOperation = 'open' | 'close' | 'finish' | 'reset' | 'reset-all';

const commands = {
  open: Command.ZONE_OPEN,
  close: Command.ZONE_CLOSE,
  finish: Command.ZONE_FINISH,
  reset: Command.ZONE_RESET,
} as const satisfies Record<Exclude<ZoneOperation, 'reset-all'>, Command>;

/** Zones managed between two looks at the sockets. */
const ZONES_PER_TURN = 64;

export class ZoneRequests {
  readonly #zones: ZoneSet;
  readonly #disk: Disk<NullData>;
  readonly #requests: ControlRequests;
  readonly #context: BlockContext;
  /** The last write that stands for an append: the next must see where it ended. */
  #appended: Promise<unknown> = Promise.resolve();

  constructor(
    zones: ZoneSet,
    disk: Disk<NullData>,
    requests: ControlRequests,
    context: BlockContext,
  ) {
    this.#zones = zones;
    this.#disk = disk;
    this.#requests = requests;
    this.#context = context;
  }

  /** Zone after zone in the range, ending at the first error with what was done before standing; a
   *  reset of the whole device is reset all, which leaves out what cannot be reset.
   *  @param sectors the default is the one zone at `at`. */
  async manage(operation: ZoneOperation, at: number, sectors?: number): Promise<Outcome> {
    const zones = this.#zones;
    const range = managementRange(zones, at, sectors);
    if (operation === 'reset-all' || (operation === 'reset' && range?.whole)) {
      return await this.#requests.send(Command.ZONE_RESET_ALL, sector(0), this.#disk.capacity);
    }
    if (range === undefined) return noWholeZones(zones, at, sectors);
    let last = outcome(Status.OK);
    for (let done = 0; done < range.count && last.status === Status.OK; done++) {
      if (done > 0 && done % ZONES_PER_TURN === 0) await this.#nextTurn();
      const index = range.first + done;
      last = await this.#requests.send(
        commands[operation],
        zones.start(index),
        zones.length(index),
      );
    }
    return last;
  }

  /** Appends to the zone that begins at `start`. */
  async append(start: number, data: Uint8Array): Promise<Outcome> {
    const zones = this.#zones;
    const range = managementRange(zones, start);
    if (range === undefined) return noWholeZones(zones, start, undefined);
    const { blockBytes } = this.#disk.limits;
    if (data.length === 0 || data.length % blockBytes !== 0) {
      const reason = `${data.length} bytes are no whole blocks of ${blockBytes} bytes`;
      return outcome(Status.INVAL, reason);
    }
    const sectors = sector(data.length / SECTOR_BYTES);
    if (zones.options.appendMaxSectors > 0) {
      return await this.#requests.send(Command.ZONE_APPEND, sector(start), sectors, data);
    }
    const written = this.#appended.then(() => this.#write(range.first, sectors, data));
    this.#appended = written.catch(() => {});
    return await written;
  }

  /** As the kernel emulates an append: a write at the write pointer, which is never cut. */
  async #write(index: number, sectors: Sector, data: Uint8Array): Promise<Outcome> {
    const zones = this.#zones;
    const { maxSectors } = this.#disk.limits;
    const said = `zone ${index}: append of ${sectors} sectors`;
    if (maxSectors > 0 && sectors > maxSectors) {
      return outcome(Status.INVAL, `${said} but max_sectors is ${maxSectors}`);
    }
    const condition = zones.condition(index);
    if (onWrite[condition] === 'refuse' || condition === ZoneCondition.NOT_WP) {
      const is = zoneConditionNames[condition].replace('not-wp', 'conventional');
      return outcome(Status.IOERR, `${said} but the zone is ${is}`);
    }
    const pointer = zones.writePointer(index);
    const end = zones.start(index) + zones.capacity(index);
    if (pointer + sectors > end) {
      return outcome(Status.IOERR, `${said} at sector ${pointer} but its capacity ends at ${end}`);
    }
    const written = await this.#requests.send(Command.WRITE, sector(pointer), sectors, data);
    return { ...written, sector: sector(pointer) };
  }

  /** Requests that end at once would keep the sockets waiting. */
  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#context.deferred.raiseNextTurn({ raised: false, runDeferred: resolve });
    });
  }
}

function noWholeZones(zones: ZoneSet, at: number, sectors: number | undefined): Outcome {
  if (managementRange(zones, at) === undefined) {
    return outcome(Status.INVAL, `no zone begins at sector ${at}`);
  }
  return outcome(Status.INVAL, `${sectors} sectors from sector ${at} on are no whole zones`);
}
