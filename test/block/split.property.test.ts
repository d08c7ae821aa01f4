import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Allocation, type Extents } from '../../src/block/extents.ts';
import type { Judge, Limits } from '../../src/block/limits.ts';
import { nextPiece } from '../../src/block/split.ts';
import { testRuns } from '../test-runs.ts';
import { TestBio } from './world.ts';

const SLICE = 40;

/** Holes and bad sectors by number. */
function world(holes: ReadonlySet<number>, bad: ReadonlySet<number>) {
  const extents: Extents = {
    at(sector, end, into) {
      let to = sector + 1;
      while (to < end && holes.has(to) === holes.has(sector)) to++;
      into.sectors = to - sector;
      into.status = holes.has(sector) ? Allocation.HOLE : Allocation.DATA;
    },
  };
  const judge: Judge = {
    firstJudged: (sector, end) => {
      for (let at = sector; at < end; at++) if (bad.has(at)) return at;
      return -1;
    },
  };
  return { extents, judge };
}

/** [first sector, sectors] of each request. */
function cut(one: TestBio, disk: Parameters<typeof nextPiece>[1]): [number, number][] {
  const { bio } = one;
  const found: [number, number][] = [];
  while (bio.submitted < bio.sectors) {
    const piece = nextPiece(bio, disk);
    found.push([bio.sector + bio.submitted, piece]);
    bio.submitted += piece;
  }
  return found;
}

/** Where the parts of a command end that are judged alone, sector by sector. */
function partEnds(first: number, sectors: number, max: number, chunk: number): number[] {
  const ends: number[] = [];
  for (let at = first + 1, start = first; at <= first + sectors; at++) {
    const ended = at === first + sectors || at - start === max || (chunk > 0 && at % chunk === 0);
    if (!ended) continue;
    ends.push(at);
    start = at;
  }
  return ends;
}

const SECTORS = 300;
const some = fc.array(fc.nat(SECTORS), { maxLength: 6 }).map((all) => new Set(all));
const runs = fc
  .array(fc.tuple(fc.nat(SECTORS), fc.integer({ min: 1, max: 150 })), { maxLength: 4 })
  .map((all) => {
    const sectors = all.flatMap(([from, n]) => Array.from({ length: n }, (_, at) => from + at));
    return new Set(sectors);
  });

test('what is judged of long zeroes and discards is a part as a write has it; all else goes on', () => {
  const seen = { alone: 0, joined: 0 };
  const shape = fc.record({
    zeroes: fc.boolean(),
    first: fc.nat(50),
    sectors: fc.integer({ min: 1, max: 250 }),
    max: fc.constantFrom(0, 1, 3, 8, 17, 64),
    chunk: fc.constantFrom(0, 0, 64),
    holes: runs,
    bad: some,
  });
  const run = fc.property(shape, ({ zeroes, first, sectors, max, chunk, holes, bad }) => {
    const limits: Limits = {
      blockBytes: 512,
      maxSectors: max,
      sliceSectors: SLICE,
      copySectors: Number.POSITIVE_INFINITY,
      cutsCopies: false,
      freeHoles: chunk === 0,
      chunkSectors: chunk,
      virtBoundary: false,
    };
    const command = zeroes ? Command.WRITE_ZEROES : Command.DISCARD;
    const found = cut(new TestBio(command, first, sectors), { limits, ...world(holes, bad) });
    expect(found.reduce((sum, [, piece]) => sum + piece, 0)).toBe(sectors);
    // A discard of zones is one for each zone.
    const slice = zeroes || chunk === 0 ? SLICE : Number.POSITIVE_INFINITY;
    const part = zeroes && max > 0 ? Math.min(max, slice) : slice;
    const ends = new Set(partEnds(first, sectors, part, chunk));
    for (const [at, piece] of found) {
      expect(ends.has(at + piece)).toBe(true);
      const parts = [...ends].filter((end) => end > at && end <= at + piece).length;
      const judged = Array.from({ length: piece }, (_, i) => at + i).some((one) => bad.has(one));
      if (judged) expect(parts).toBe(1);
      seen[parts === 1 ? 'alone' : 'joined']++;
    }
  });
  fc.assert(run, { numRuns: testRuns(500) });
  expect(Math.min(seen.alone, seen.joined)).toBeGreaterThan(100);
});

test('reads and writes are cut where their limits say, and nowhere else', () => {
  const pieces = fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 20 })), { minLength: 1 });
  const shape = fc.record({
    write: fc.boolean(),
    contiguous: fc.boolean(),
    first: fc.nat(50),
    max: fc.constantFrom(0, 1, 5, 8, 17),
    chunk: fc.constantFrom(0, 32),
    virtBoundary: fc.boolean(),
    pieces,
  });
  const run = fc.property(shape, (one) => {
    const sectors = one.pieces.reduce((sum, [, length]) => sum + length, 0);
    const io = new TestBio(one.write ? Command.WRITE : Command.READ, one.first, sectors);
    io.bio.contiguous = one.contiguous;
    const gaps = new Set<number>();
    let at = 0;
    let ends = 0;
    for (const [start, length] of one.pieces) {
      if (at > 0 && (ends % 8 !== 0 || start % 8 !== 0)) gaps.add(at);
      io.bio.segments.add(new Uint8Array((start + length) * 512), start * 512, length * 512);
      at += length;
      ends = start + length;
    }
    const limits: Limits = {
      blockBytes: 512,
      maxSectors: one.max,
      sliceSectors: SLICE,
      copySectors: Number.POSITIVE_INFINITY,
      cutsCopies: false,
      freeHoles: true,
      chunkSectors: one.chunk,
      virtBoundary: one.virtBoundary,
    };
    const splits = one.virtBoundary && one.write && !one.contiguous;
    const wanted: [number, number][] = [];
    for (let done = 1, start = 0; done <= sectors; done++) {
      const ended =
        done === sectors ||
        done - start === one.max ||
        (one.chunk > 0 && (one.first + done) % one.chunk === 0) ||
        (splits && gaps.has(done));
      if (!ended) continue;
      wanted.push([one.first + start, done - start]);
      start = done;
    }
    expect(cut(io, { limits, ...world(new Set(), new Set()) })).toEqual(wanted);
  });
  fc.assert(run, { numRuns: testRuns(300) });
  expect.hasAssertions();
});
