/** Requests that come from the control side instead of a client: zone management, append, flush.
 *  They take tags and turns like any other. Source: control.md section 3. */

import type { Bio } from '../block/bio.ts';
import { type Command, RequestFlag } from '../block/command.ts';
import type { Disk } from '../block/disk.ts';
import { errnoOf } from '../block/logged-command.ts';
import { OwnBio, type OwnBioHost } from '../block/own-bio.ts';
import { Status } from '../block/status.ts';
import type { Submitter } from '../block/submitter.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import { bug, SECTOR_BYTES, type Sector, sector } from '../units.ts';
import { type DataPiece, giveSlabs } from './append-data.ts';
import type { NullData } from './completion.ts';

/** Its number among clients. */
const CONTROL_SIDE = 0;

export interface Outcome {
  readonly status: Status;
  /** Where a zone append went. */
  readonly sector: Sector;
  /** What happened, for humans, if the driver can say more than the status. */
  readonly reason: string | undefined;
}

/** The refusal of a request of the control side, or the end of a request that did nothing. */
export function outcome(status: Status, reason?: string): Outcome {
  return { status, sector: sector(0), reason };
}

/** The control side's way into a powered device. It knows what has not ended: when power goes off without
 *  clients, nothing else would wait for it. */
export class ControlRequests {
  readonly #disk: Disk<NullData>;
  readonly #allocator: SlabAllocator;
  readonly #underWay = new Set<Promise<Outcome>>();
  #open = true;

  constructor(disk: Disk<NullData>, allocator: SlabAllocator) {
    this.#disk = disk;
    this.#allocator = allocator;
  }

  /** Sends one request through the device. @param data the sectors of a write or append; from now on their
   *  slabs belong to the device. */
  async send(
    command: Command,
    first: Sector,
    sectors: Sector,
    data: readonly DataPiece[] = [],
  ): Promise<Outcome> {
    if (!this.#open) {
      giveSlabs(data, this.#allocator);
      return outcome(Status.OFFLINE, 'power is 0');
    }
    const sent = new Promise<Outcome>((resolve) => {
      const request = new ControlRequest(this.#disk, this.#allocator, resolve);
      request.begin(command, first, sectors, data);
    });
    this.#underWay.add(sent);
    try {
      return await sent;
    } finally {
      this.#underWay.delete(sent);
    }
  }

  /** From now on sends nothing. Resolves when everything that was sent has ended. */
  async close(): Promise<void> {
    this.#open = false;
    await Promise.all(this.#underWay);
  }
}

class ControlRequest implements OwnBioHost {
  readonly #disk: Disk<NullData>;
  readonly #allocator: SlabAllocator;
  readonly #own: OwnBio;
  readonly #done: (outcome: Outcome) => void;
  /** Its number in the log of requests; 0: it is in none. */
  #logged = 0;

  constructor(disk: Disk<NullData>, allocator: SlabAllocator, done: (outcome: Outcome) => void) {
    this.#disk = disk;
    this.#allocator = allocator;
    this.#own = new OwnBio(this, allocator);
    this.#done = done;
  }

  begin(command: Command, first: Sector, sectors: Sector, data: readonly DataPiece[]): void {
    // Long data are handed over. A write cache would copy them, all in one turn: they go past it.
    const flags = data.length > 1 ? RequestFlag.FUA : 0;
    const { bio } = this.#own;
    const [offset, bytes] = [first * SECTOR_BYTES, sectors * SECTOR_BYTES];
    this.#logged = this.#disk.log?.arrived(command, flags, offset, bytes, CONTROL_SIDE) ?? 0;
    bio.reset(command, flags, first, sectors);
    for (const { buffer, slab } of data) {
      bio.segments.add(buffer, 0, buffer.length, slab);
    }
    bio.contiguous = true;
    bio.uncut = true;
    this.#own.submit();
  }

  way(): Submitter {
    const { queue } = this.#disk;
    const hctx = queue.defaultHctx(0);
    return queue.front?.before(hctx, 0) ?? hctx;
  }

  provideTarget(): boolean {
    return bug('the control side reads nothing');
  }

  bioDone(bio: Bio): void {
    // The pieces that the device has not taken over.
    for (const slab of bio.segments.slabs) if (slab !== undefined) this.#allocator.give(slab);
    bio.segments.clear();
    if (this.#logged > 0) this.#disk.log?.answered(this.#logged, errnoOf(bio.status));
    this.#done({ status: bio.status, sector: bio.writtenSector, reason: bio.reason });
  }
}
