/** The allocation map of whole devices against a naive one: a status for each sector. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Allocation, Extent } from '../../src/block/extents.ts';
import { TestBio, World } from '../block/world.ts';
import { testRuns } from '../test-runs.ts';
import { poweredDevice } from './powered.ts';

const SECTORS = 2048; // 1 MiB: eight slabs
const PAGE = 8;
const { DATA, HOLE, ZERO } = Allocation;

const operation = fc.record({
  kind: fc.constantFrom('write', 'discard', 'zeroes', 'provision', 'flush', 'fua'),
  sector: fc.nat(SECTORS - 1),
  sectors: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: SECTORS })),
});

function device(...words: string[]) {
  const world = new World();
  const start = ['memory_backed=1', 'discard=1', 'size=1', ...words];
  const { disk } = poweredDevice(world, start);
  const hctx = disk.queue.hctx(0);
  const issue = (command: number, flags: number, sector: number, sectors: number): void => {
    const writes = command === Command.WRITE;
    const payload = writes ? new Uint8Array(sectors * 512).fill(1) : undefined;
    const one = new TestBio(command as Command, sector, sectors, payload); // of the table
    one.bio.flags = flags;
    hctx.submit(one.bio);
    hctx.unplug();
    world.settle();
    expect(one.ends).toBe(1);
  };
  /** The status of each sector, put together from runs. */
  const map = (from = 0, end: number = disk.capacity): number[] => {
    const statuses: number[] = [];
    const extent = new Extent();
    for (let at = from; at < end; at += extent.sectors) {
      disk.extents.at(at, end, extent);
      expect(extent.sectors).toBeGreaterThan(0);
      for (let i = 0; i < extent.sectors; i++) statuses.push(extent.status);
    }
    expect(statuses).toHaveLength(end - from);
    return statuses;
  };
  return { issue, map };
}

describe.each([
  ['plain', []],
  ['with a cache', ['cache_size=1']],
])('a device %s', (_, words) => {
  test('tells of every sector what was done to it last', () => {
    const cached = words.length > 0;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), fc.nat(SECTORS - 1), (all, from) => {
        const { issue, map } = device(...words);
        const model = new Array<number>(SECTORS).fill(HOLE | ZERO);
        /** By page: nothing but zeros was put there since it was zeroed whole, or held nothing. */
        const zeroed = new Array<boolean>(SECTORS / PAGE).fill(false);
        const provide = (sector: number, end: number): void => {
          for (let page = Math.floor(sector / PAGE); page * PAGE < end; page++) {
            const [first, last] = [page * PAGE, page * PAGE + PAGE];
            const empty = model.slice(first, last).every((status) => status === (HOLE | ZERO));
            if (empty || (sector <= first && last <= end)) zeroed[page] = true;
            const known = zeroed[page] ?? false;
            for (let at = Math.max(sector, first); at < Math.min(end, last); at++) {
              model[at] = known ? ZERO : DATA;
            }
            if (known) continue;
            // What is not known to be zeros as a whole is not told in parts.
            for (let at = first; at < last; at++) if (model[at] === ZERO) model[at] = DATA;
          }
        };
        const write = (sector: number, end: number): void => {
          for (let page = Math.floor(sector / PAGE); page * PAGE < end; page++) {
            zeroed[page] = false;
            for (let at = page * PAGE; at < (page + 1) * PAGE; at++) {
              if (model[at] === ZERO) model[at] = DATA;
            }
          }
          model.fill(DATA, sector, end);
        };
        for (const { kind, sector, sectors: asked } of all) {
          const sectors = Math.min(asked, SECTORS - sector);
          const put = (status: number): unknown => model.fill(status, sector, sector + sectors);
          if (kind === 'write') issue(Command.WRITE, 0, sector, sectors);
          if (kind === 'fua') issue(Command.WRITE, RequestFlag.FUA, sector, sectors);
          if (kind === 'discard') issue(Command.DISCARD, 0, sector, sectors);
          if (kind === 'zeroes') issue(Command.WRITE_ZEROES, 0, sector, sectors);
          if (kind === 'provision') {
            issue(Command.WRITE_ZEROES, RequestFlag.NOUNMAP, sector, sectors);
          }
          if (kind === 'flush') issue(Command.FLUSH, 0, 0, 0);
          else if (kind === 'discard') put(HOLE | ZERO);
          // The cache keeps zeros as data; a store drops them, or only notes that they are there.
          else if (kind === 'zeroes') put(cached ? DATA : HOLE | ZERO);
          else if (kind === 'provision' && !cached) provide(sector, sector + sectors);
          else write(sector, sector + sectors);
        }
        const found = map();
        expect(found).toEqual(model);
        expect(map(from)).toEqual(found.slice(from));
      }),
      { numRuns: testRuns(60) },
    );
  });
});

test('a null device is one hole', () => {
  const { map } = device('memory_backed=0', 'discard=0');
  expect(new Set(map())).toEqual(new Set([HOLE | ZERO]));
});

test('behind a write pointer nothing is held, and it does not read as zeros', () => {
  const zoned = ['zoned=1', 'size=4', 'zone_size=1', 'zone_nr_conv=1', 'discard=0'];
  const { issue, map } = device(...zoned);
  issue(Command.WRITE, 0, 2048, 8);
  issue(Command.WRITE, 0, 100, 1);
  issue(Command.ZONE_FINISH, 0, 4096, 2048);
  const found = map();
  expect(found.slice(99, 102)).toEqual([HOLE | ZERO, DATA, HOLE | ZERO]);
  expect(found.slice(2047, 2058)).toEqual([HOLE | ZERO, ...new Array(8).fill(DATA), HOLE, HOLE]);
  expect(new Set(found.slice(4096, 6144))).toEqual(new Set([HOLE | ZERO])); // finished
  expect(new Set(found.slice(6144))).toEqual(new Set([HOLE]));
});
