/** A bio's data as a sequence of pieces of memory. rnull-series 9. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { SegmentCursor, Segments } from '../../src/pages/segments.ts';
import { RamDriver } from './minimal-driver.ts';
import { makeDisk, TestBio, World } from './world.ts';

/** Lengths in sectors, and where each piece begins in its memory. */
const pieces = fc.array(
  fc.record({ sectors: fc.integer({ min: 1, max: 9 }), start: fc.nat(5000) }),
  { minLength: 1, maxLength: 8 },
);

test('any byte of the whole is found in its piece', () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const segments = new Segments();
      const flat: [number, number][] = [];
      for (const [at, { sectors, start }] of parts.entries()) {
        segments.add(new Uint8Array(start + sectors * 512), start, sectors * 512);
        for (let offset = 0; offset < sectors * 512; offset += 256) flat.push([at, offset]);
      }
      expect(segments.bytes).toBe(flat.length * 256);
      const cursor = new SegmentCursor();
      for (const [at, place] of flat.entries()) {
        segments.seek(cursor, at * 256);
        expect([cursor.index, cursor.offset]).toEqual(place);
      }
      segments.clear();
      expect([segments.count, segments.bytes]).toEqual([0, 0]);
    }),
  );
});

test('a driver iterates the pieces, in requests of any size, and no buffer is glued together', () => {
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 16 }), (parts, maxSectors) => {
      const world = new World();
      const { hctx } = makeDisk(world, new RamDriver(1 << 16), { limits: { maxSectors } });
      const sectors = parts.reduce((sum, part) => sum + part.sectors, 0);
      const data = Buffer.from(Array.from({ length: sectors * 512 }, (_, at) => (at * 7) & 0xff));
      const one = new TestBio(Command.WRITE, 3, sectors);
      let done = 0;
      for (const { sectors: count, start } of parts) {
        const memory = new Uint8Array(start + count * 512).fill(0xee);
        memory.set(data.subarray(done, done + count * 512), start);
        one.bio.segments.add(memory, start, count * 512);
        done += count * 512;
      }
      while (!hctx.submit(one.bio)) world.settle();
      world.settle();
      expect(one.ends).toBe(1);
      const back = new TestBio(Command.READ, 3, sectors);
      while (!hctx.submit(back.bio)) world.settle();
      world.settle();
      expect(data.equals(back.bio.segments.buffer(0))).toBe(true);
    }),
  );
});
