import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Allocation, type Extents } from '../../src/block/extents.ts';
import type { Judge, Limits } from '../../src/block/limits.ts';
import { nextPiece } from '../../src/block/split.ts';
import { noLimits, TestBio } from './world.ts';

/** A device of data but for the sectors [from, to). */
function holed(from: number, to: number): Extents {
  return {
    at(sector, end, into) {
      const inHole = sector >= from && sector < to;
      into.status = inHole ? Allocation.HOLE : Allocation.DATA;
      into.sectors = Math.min(end, inHole ? to : sector < from ? from : end) - sector;
    },
  };
}

/** The lengths in sectors of the requests that a bio is cut into. */
function pieces(
  one: TestBio,
  limits: Partial<Limits>,
  extents = holed(0, 0),
  judge?: Judge,
): number[] {
  const { bio } = one;
  const found: number[] = [];
  while (bio.submitted < bio.sectors) {
    const piece = nextPiece(bio, { limits: { ...noLimits, ...limits }, extents, judge });
    found.push(piece);
    bio.submitted += piece;
  }
  return found;
}

/** A write of pieces of memory: [first byte, bytes] each. */
function gathered(...parts: readonly [number, number][]): TestBio {
  const bytes = parts.reduce((sum, [, length]) => sum + length, 0);
  const one = new TestBio(Command.WRITE, 0, bytes / 512);
  for (const [start, length] of parts) {
    one.bio.segments.add(new Uint8Array(start + length), start, length);
  }
  return one;
}

test.each([Command.READ, Command.WRITE])('command %i is cut at max_sectors', (command) => {
  expect(pieces(new TestBio(command, 5, 20), { maxSectors: 8 })).toEqual([8, 8, 4]);
  expect(pieces(new TestBio(command, 5, 20), {})).toEqual([20]);
});

test.each([Command.DISCARD, Command.WRITE_ZEROES])('command %i goes in slices', (command) => {
  expect(pieces(new TestBio(command, 0, 20_000), { maxSectors: 8 })).toEqual([8192, 8192, 3616]);
});

describe('a slice goes on to the end of a hole behind it', () => {
  const extents = holed(5000, 2 ** 40);

  test.each([Command.DISCARD, Command.WRITE_ZEROES])('command %i', (command) => {
    const found = pieces(new TestBio(command, 0, 2 ** 40 + 10_000), {}, extents);
    expect(found).toEqual([2 ** 40, 8192, 1808]);
  });

  test('but not where it does not begin there, and not for zeroes that take memory', () => {
    const late = pieces(new TestBio(Command.DISCARD, 0, 20_000), {}, holed(8193, 20_000));
    expect(late).toEqual([8192, 11_808]);
    const provisioned = new TestBio(Command.WRITE_ZEROES, 0, 20_000);
    provisioned.bio.flags = RequestFlag.NOUNMAP;
    expect(pieces(provisioned, {}, extents)).toEqual([8192, 8192, 3616]);
  });
});

describe('where something judges each request', () => {
  const all: Judge = { firstJudged: (sector) => sector };
  const at = (bad: number): Judge => ({
    firstJudged: (sector, end) => (sector <= bad && bad < end ? bad : -1),
  });
  const zeroes = (first: number, sectors: number) =>
    new TestBio(Command.WRITE_ZEROES, first, sectors);
  const limits = { maxSectors: 255 };

  test('zeroes are cut as a write is', () => {
    const write = new TestBio(Command.WRITE, 5, 9000);
    const cut = pieces(write, limits);
    expect(pieces(zeroes(5, 9000), limits, holed(0, 0), all)).toEqual(cut);
    expect(pieces(zeroes(5, 9000), limits, holed(0, 2 ** 40), all)).toEqual(cut);
    expect(cut.slice(0, 2)).toEqual([255, 255]);
  });

  test('but where it has nothing to say, they go in slices of whole parts', () => {
    expect(pieces(zeroes(0, 20_000), limits, holed(0, 0), at(-1))).toEqual([8160, 8160, 3680]);
    const found = pieces(zeroes(0, 20_000), limits, holed(0, 0), at(10_000));
    // What is judged is the part of a write in which the sector is.
    expect(found).toEqual([8160, 1785, 255, 8160, 1640]);
  });

  test('and a hole is no reason to make a part longer than a slice, nor to be judged with it', () => {
    const hole = holed(5000, 2 ** 40);
    for (const command of [Command.DISCARD, Command.WRITE_ZEROES]) {
      const long = new TestBio(command, 0, 2 ** 40);
      const found = pieces(long, {}, hole, at(2 ** 30 + 5));
      expect(found).toEqual([2 ** 30, 8192, 2 ** 40 - 2 ** 30 - 8192]);
    }
  });

  test('zones cut as well, and a part begins with each', () => {
    const both = { maxSectors: 255, chunkSectors: 1024 };
    const cut = pieces(new TestBio(Command.WRITE, 1000, 2000), both);
    expect(pieces(zeroes(1000, 2000), both, holed(0, 0), all)).toEqual(cut);
  });

  test('a discard has no limit of its own, but a slice', () => {
    const discard = new TestBio(Command.DISCARD, 0, 20_000);
    expect(pieces(discard, limits, holed(0, 0), all)).toEqual([8192, 8192, 3616]);
  });
});

describe('at zone boundaries', () => {
  test.each([Command.READ, Command.WRITE, Command.WRITE_ZEROES, Command.DISCARD])(
    'command %i is cut there',
    (command) => {
      const limits = { chunkSectors: 2048 };
      expect(pieces(new TestBio(command, 2000, 2200), limits)).toEqual([48, 2048, 104]);
    },
  );

  test('a discard is a whole zone, however large', () => {
    const limits = { chunkSectors: 2 ** 20 };
    expect(pieces(new TestBio(Command.DISCARD, 0, 2 ** 21), limits)).toEqual([2 ** 20, 2 ** 20]);
  });
});

describe('with virt_boundary', () => {
  const limits = { virtBoundary: true };

  test('segments that meet at page boundaries stay together', () => {
    expect(pieces(gathered([512, 3584], [0, 8192], [4096, 512]), limits)).toEqual([24]);
  });

  test('a segment that ends off a page is cut behind it', () => {
    expect(pieces(gathered([0, 512], [0, 4096]), limits)).toEqual([1, 8]);
  });

  test('a segment that begins off a page is cut before it', () => {
    expect(pieces(gathered([0, 4096], [512, 512], [0, 1024]), limits)).toEqual([8, 1, 2]);
  });

  test('max_sectors cuts first where it is shorter', () => {
    const both = { virtBoundary: true, maxSectors: 4 };
    expect(pieces(gathered([0, 4096], [512, 512]), both)).toEqual([4, 4, 1]);
  });

  test('a payload that is one range of memory has no gap, wherever its pieces were received', () => {
    const one = gathered([0, 512], [512, 4096], [100, 1024]);
    one.bio.contiguous = true;
    expect(pieces(one, limits)).toEqual([11]);
  });

  test('without it nothing is cut', () => {
    expect(pieces(gathered([0, 512], [0, 4096]), {})).toEqual([9]);
  });
});
