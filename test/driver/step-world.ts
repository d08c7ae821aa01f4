/** A disk whose requests take one step and end at once: for tests of steps, alone or composed. */

import { Bio, type BioOwner } from '../../src/block/bio.ts';
import { Command, RequestFlag } from '../../src/block/command.ts';
import type { HwQueue } from '../../src/block/hw-queue.ts';
import { Status } from '../../src/block/status.ts';
import { completeInline, type NullData, NullRequestData } from '../../src/driver/completion.ts';
import type { Step } from '../../src/driver/path.ts';
import type { SlabAllocator } from '../../src/pages/allocator.ts';
import { zeroView } from '../../src/pages/pin.ts';
import { sector } from '../../src/units.ts';
import { makeDisk, World } from '../block/world.ts';

const SECTOR_BYTES = 512;
/** What a target holds before a read. */
export const UNTOUCHED = 0xa5;

export interface Outcome {
  status: Status;
  /** What was read; UNTOUCHED where nothing was. */
  data: Buffer;
  /** The reply shows pages of the store. */
  views: boolean;
}

export class StepWorld implements BioOwner {
  /** False: the next read finds no memory for its target. */
  memory = true;
  /** The step that requests take; may be exchanged between two of them. */
  step: Step;
  readonly #hctx: HwQueue<NullData>;
  readonly #bio: Bio;
  #outcome: Outcome | undefined;
  #target = Buffer.alloc(0);

  constructor(allocator: SlabAllocator, step: Step) {
    this.step = step;
    this.#bio = new Bio(this, allocator);
    const { hctx } = makeDisk<NullData>(
      new World(),
      {
        makeRequestData: () => new NullRequestData(),
        queueRq: (request) => {
          const owned = request.start();
          this.step(owned, owned.sectors());
          completeInline(owned);
          return Status.OK;
        },
      },
      { limits: { sliceSectors: 2 ** 30 } },
    );
    this.#hctx = hctx;
  }

  read(first: number, sectors: number): Outcome {
    return this.#run(Command.READ, first, sectors);
  }

  /** @param cuts where the payload is cut into pieces of memory, in sectors. */
  write(first: number, data: Buffer, flags = 0, cuts: readonly number[] = []): Status {
    const sectors = data.length / SECTOR_BYTES;
    return this.#run(Command.WRITE, first, sectors, flags, pieces(data, cuts)).status;
  }

  writeZeroes(first: number, sectors: number, flags = 0): Status {
    return this.#run(Command.WRITE_ZEROES, first, sectors, flags).status;
  }

  discard(first: number, sectors: number): Status {
    return this.#run(Command.DISCARD, first, sectors).status;
  }

  command(command: Command, first = 0, sectors = 0): Status {
    return this.#run(command, first, sectors).status;
  }

  provideTarget(bio: Bio): boolean {
    if (!this.memory) return false;
    bio.segments.add(this.#target, 0, this.#target.length);
    return true;
  }
  acceptsViews(bio: Bio): boolean {
    return bio.sectors * SECTOR_BYTES >= 32 * 1024;
  }
  park(): void {}
  viewsReady(bio: Bio): void {
    const { views } = bio;
    const parts: Uint8Array[] = [];
    for (let i = 0; i < views.count; i++) {
      parts.push((views.buffers[i] ?? zeroView).subarray(views.starts[i], views.ends[i]));
    }
    this.#target = Buffer.concat(parts);
    this.#outcome = { status: Status.OK, data: this.#target, views: true };
    bio.unmap();
  }
  bioDone(bio: Bio): void {
    this.#outcome ??= { status: bio.status, data: this.#target, views: false };
  }

  #run(
    command: Command,
    first: number,
    sectors: number,
    flags = 0,
    payload: readonly Buffer[] = [],
  ): Outcome {
    const bio = this.#bio;
    this.#outcome = undefined;
    this.#target = Buffer.alloc(command === Command.READ ? sectors * SECTOR_BYTES : 0, UNTOUCHED);
    bio.reset(command, flags, sector(first), sector(sectors));
    for (const piece of payload) bio.segments.add(piece, 0, piece.length);
    this.#hctx.submit(bio);
    this.#hctx.unplug();
    if (this.#outcome === undefined) throw new Error('a step that does not end its request');
    return this.#outcome;
  }
}

export const FUA = RequestFlag.FUA;

function pieces(data: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut * SECTOR_BYTES), data.length];
  return places
    .slice(1)
    .map((end, i) => data.subarray(places[i], end))
    .filter((piece) => piece.length > 0);
}
