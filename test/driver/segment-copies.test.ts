/** Copies between a request's pieces of memory and the device are bounded by a length, wherever it
 *  ends within a piece, a page or a slab. rnull-series 58. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bio, type BioOwner } from '../../src/block/bio.ts';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { completeInline, type NullData, NullRequestData } from '../../src/driver/completion.ts';
import { nullStep, type Step, storeStep } from '../../src/driver/path.ts';
import { PageStore } from '../../src/driver/storage/page-store.ts';
import { atOnce } from '../../src/time/slicer.ts';
import { bytes, type Sector, sector } from '../../src/units.ts';
import { allocator, makeDisk, World } from '../block/world.ts';
import { testRuns } from '../test-runs.ts';

const SECTORS = 2048;
const UNTOUCHED = 0xa5;

/** A bio over pieces of memory of its own, given or wanted. */
class Pieces implements BioOwner {
  readonly bio = new Bio(this, allocator);
  readonly parts: readonly Buffer[];
  status: Status | undefined = undefined;

  constructor(lengths: readonly number[], command: Command, first: number) {
    this.parts = lengths.map((sectors, at) =>
      Buffer.alloc(sectors * 512, command === Command.READ ? UNTOUCHED : at + 1),
    );
    const sectors = lengths.reduce((sum, length) => sum + length, 0);
    this.bio.reset(command, 0, sector(first), sector(sectors));
    if (command === Command.WRITE) this.provideTarget(this.bio);
  }
  provideTarget({ segments }: Bio): boolean {
    for (const part of this.parts) segments.add(part, 0, part.length);
    return true;
  }
  acceptsViews(): boolean {
    return false;
  }
  park(): void {}
  viewsReady(): void {}
  bioDone(bio: Bio): void {
    this.status = bio.status;
  }
}

/** Does the first `limit` sectors of each request by `step`. */
function transfer(one: Pieces, step: Step, limit: number, maxSectors: number): number {
  let done = 0;
  const { hctx } = makeDisk<NullData>(
    new World(),
    {
      makeRequestData: () => new NullRequestData(),
      queueRq: (request) => {
        const owned = request.start();
        const sectors = Math.min(limit, owned.sectors()) as Sector; // the lesser of two counts
        done += step(owned, sectors);
        completeInline(owned);
        return Status.OK;
      },
    },
    { limits: { maxSectors }, depth: 8 },
  );
  hctx.submit(one.bio);
  hctx.unplug();
  return done;
}

const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });

test('a write takes so much from the pieces, and a read gives so much, and not a sector more', () => {
  fc.assert(
    fc.property(cuts, cuts, fc.nat(200), fc.nat(400), (from, to, first, limit) => {
      const store = new PageStore(allocator, bytes(SECTORS * 512));
      const step = storeStep(store);
      const write = new Pieces(from, Command.WRITE, first);
      const asked = Buffer.concat(write.parts);
      const written = Math.min(limit, asked.length / 512);
      expect(transfer(write, step, limit, 0)).toBe(written);
      expect(write.status).toBe(Status.OK);
      const held = Buffer.alloc(SECTORS * 512);
      asked.copy(held, first * 512, 0, written * 512);

      const read = new Pieces(to, Command.READ, first);
      const wanted = Buffer.concat(read.parts);
      const got = Math.min(limit, wanted.length / 512);
      expect(transfer(read, step, limit, 0)).toBe(got);
      held.copy(wanted, 0, first * 512, (first + got) * 512);
      expect(Buffer.concat(read.parts).equals(wanted)).toBe(true);
      atOnce(store.clear());
    }),
    { numRuns: testRuns(60) },
  );
});

test('without memory a read is zeros for as many sectors as are asked, in parts as well', () => {
  fc.assert(
    fc.property(cuts, fc.integer({ min: 1, max: 64 }), (to, limit) => {
      const read = new Pieces(to, Command.READ, 0);
      const sectors = read.bio.sectors;
      const parts = Math.ceil(sectors / 300); // as max_sectors cuts it
      transfer(read, nullStep(), limit, 300);
      const all = Buffer.concat(read.parts);
      for (let part = 0; part < parts; part++) {
        const start = part * 300;
        const end = Math.min(start + limit, sectors);
        const next = Math.min(start + 300, sectors);
        expect(all.subarray(start * 512, end * 512).every((byte) => byte === 0)).toBe(true);
        const rest = all.subarray(Math.min(end, next) * 512, next * 512);
        expect(rest.every((byte) => byte === UNTOUCHED)).toBe(true);
      }
    }),
    { numRuns: testRuns(60) },
  );
});
