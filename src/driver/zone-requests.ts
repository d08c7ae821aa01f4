/** Zone management and appends of the control side: ranges become one request per zone, and an append becomes
 *  a write if the device has no native append. The rules are in zones/.
 *  Source: driver.md sections 1 (zone_append_max_sectors) and 6 (Ranges). */

import { Command } from '../block/command.ts';
import type { BlockContext } from '../block/context.ts';
import type { Disk } from '../block/disk.ts';
import { Status } from '../block/status.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import { SLAB_BYTES } from '../pages/slab.ts';
import { atOnce, type Slicer, type Work } from '../time/slicer.ts';
import { SECTOR_BYTES, type Sector, sector } from '../units.ts';
import { type DataPiece, giveSlabs, layOut, lengthOf } from './append-data.ts';
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

/** How often data are laid out again when the write pointer moved meanwhile. */
const LAYOUTS_MAX = 4;

export interface ZoneRequestParts {
  readonly zones: ZoneSet;
  readonly disk: Disk<NullData>;
  readonly requests: ControlRequests;
  readonly context: BlockContext;
  /** For long work. */
  readonly slicer: Slicer;
  /** Undefined: data vanish. */
  readonly allocator: SlabAllocator | undefined;
}

interface Append {
  readonly index: number;
  readonly sectors: Sector;
  readonly data: readonly Uint8Array[];
}

export class ZoneRequests {
  readonly #zones: ZoneSet;
  readonly #disk: Disk<NullData>;
  readonly #requests: ControlRequests;
  readonly #context: BlockContext;
  readonly #slicer: Slicer;
  readonly #allocator: SlabAllocator | undefined;
  /** The next append is laid out for the place where the last one ends. A write that stands for an append
   *  must have ended by then. */
  #appended: Promise<unknown> = Promise.resolve();

  constructor({ zones, disk, requests, context, slicer, allocator }: ZoneRequestParts) {
    this.#zones = zones;
    this.#disk = disk;
    this.#requests = requests;
    this.#context = context;
    this.#slicer = slicer;
    this.#allocator = allocator;
  }

  /** Zone after zone in the range. The first error ends it; zones done before stay done. A reset of the whole
   *  device is reset all, which leaves out zones that cannot be reset.
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

  /** Appends to the zone that begins at `start`. Long data are copied in slices before the request, which is
   *  one turn. */
  async append(start: number, data: readonly Uint8Array[]): Promise<Outcome> {
    const zones = this.#zones;
    const range = managementRange(zones, start);
    if (range === undefined) return noWholeZones(zones, start, undefined);
    const { blockBytes } = this.#disk.limits;
    const length = lengthOf(data);
    if (length === 0 || length % blockBytes !== 0) {
      const reason = `${length} bytes are not whole blocks of ${blockBytes} bytes`;
      return outcome(Status.INVAL, reason);
    }
    const append = { index: range.first, sectors: sector(length / SECTOR_BYTES), data };
    const native = zones.options.appendMaxSectors > 0;
    if (native && length <= SLAB_BYTES) {
      const pieces = atOnce(this.#layOut(append, zones.writePointer(range.first)));
      return pieces === undefined ? outcome(Status.NOSPC) : await this.#sendNative(append, pieces);
    }
    const sent = this.#appended.then(() => this.#send(append, native));
    const ended = sent.then(({ outcome }) => outcome);
    this.#appended = (native ? sent : ended).catch(() => {});
    return await ended;
  }

  async #send(append: Append, native: boolean): Promise<{ readonly outcome: Promise<Outcome> }> {
    const { index, sectors } = append;
    for (let layouts = 1; ; layouts++) {
      const refused = native ? undefined : this.#refusal(append);
      if (refused !== undefined) return { outcome: Promise.resolve(refused) };
      const pointer = this.#zones.writePointer(index);
      const pieces = await this.#slicer.run(this.#layOut(append, pointer));
      if (pieces === undefined) {
        return { outcome: Promise.resolve(outcome(Status.NOSPC)) };
      }
      if (this.#zones.writePointer(index) !== pointer && layouts < LAYOUTS_MAX) {
        this.#give(pieces);
      } else if (native) {
        return { outcome: this.#sendNative(append, pieces) };
      } else {
        return { outcome: this.#write(sector(pointer), sectors, pieces) };
      }
    }
  }

  /** Why an append cannot become a write. */
  #refusal({ index, sectors }: Append): Outcome | undefined {
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
    if (pointer + sectors <= end) return undefined;
    return outcome(Status.IOERR, `${said} at sector ${pointer} but its capacity ends at ${end}`);
  }

  #sendNative({ index, sectors }: Append, pieces: readonly DataPiece[]): Promise<Outcome> {
    return this.#requests.send(Command.ZONE_APPEND, this.#zones.start(index), sectors, pieces);
  }

  /** As the kernel emulates an append: a write at the write pointer, never cut. */
  async #write(pointer: Sector, sectors: Sector, pieces: readonly DataPiece[]): Promise<Outcome> {
    const written = await this.#requests.send(Command.WRITE, pointer, sectors, pieces);
    return { ...written, sector: pointer };
  }

  /** @param at a zone that has no write pointer takes no append. @returns undefined: there is no memory. */
  *#layOut({ data }: Append, at: number): Work<readonly DataPiece[] | undefined> {
    if (this.#allocator === undefined) return [];
    return yield* layOut(data, sector(Math.max(0, at)), this.#allocator);
  }

  #give(pieces: readonly DataPiece[]): void {
    if (this.#allocator !== undefined) giveSlabs(pieces, this.#allocator);
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
  return outcome(Status.INVAL, `${sectors} sectors from sector ${at} on are not whole zones`);
}
