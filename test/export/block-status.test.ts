import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { blockStatus, ExtentList } from '../../src/export/block-status.ts';
import { type Context, contextsOf } from '../../src/export/contexts.ts';
import { bug } from '../../src/units.ts';
import { TestBio, World } from '../block/world.ts';
import { poweredDevice } from '../driver/powered.ts';

const MIB = 1024 * 1024;

/** A context whose status of a sector is `status[sector]`, in runs of at most `most`. */
function painted(status: readonly number[], most: number): Context {
  return {
    name: 'x-test:painted',
    needs64Bits: false,
    merges: true,
    at(sector, end, into) {
      let stop = sector + 1;
      while (stop < end && stop - sector < most && status[stop] === status[sector]) stop++;
      Object.assign(into, { sectors: stop - sector, high: 0, low: status[sector] });
    },
  };
}

function asked(context: Context, offset: number, length: number, size: number, how = '') {
  const list = new ExtentList();
  const one = how.includes('one');
  blockStatus(
    context,
    { offset, length, size, one, compact: !how.includes('wide'), runsMax: 2 ** 17 },
    list,
  );
  return Array.from({ length: list.count }, (_, at) => {
    return { length: list.lengths[at] ?? 0, status: list.lows[at] ?? 0, high: list.highs[at] ?? 0 };
  });
}

test('extents are the range, joined where they are alike, and none but the last passes its end', () => {
  const statuses = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      statuses,
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 5 }),
      (status, a, b, most) => {
        const size = status.length * 512;
        const offset = a % size;
        const length = 1 + (b % (size - offset));
        const extents = asked(painted(status, most), offset, length, size);
        let at = offset;
        for (const [index, extent] of extents.entries()) {
          expect(extent.length).toBeGreaterThan(0);
          expect(at).toBeLessThan(offset + length);
          for (let byte = at; byte < at + extent.length; byte += 512) {
            expect(status[Math.floor(byte / 512)]).toBe(extent.status);
          }
          expect(extents[index + 1]?.status).not.toBe(extent.status);
          at += extent.length;
        }
        expect(at).toBeGreaterThanOrEqual(offset + length);
        expect(at).toBeLessThanOrEqual(size);
      },
    ),
  );
});

test('with REQ_ONE there is one extent, not longer than the range', () => {
  const context = painted([1, 1, 1, 2], 1);
  expect(asked(context, 0, 2048, 2048, 'one')).toEqual([{ length: 1536, status: 1, high: 0 }]);
  expect(asked(context, 100, 512, 2048, 'one')).toEqual([{ length: 512, status: 1, high: 0 }]);
});

describe('long runs', () => {
  const size = 2 ** 50;
  const hole: Context = {
    name: 'x-test:hole',
    needs64Bits: false,
    merges: true,
    at: (sector, end, into) => Object.assign(into, { sectors: end - sector, high: 0, low: 3 }),
  };

  test('are cut below 2^32 at a multiple of every block size where lengths have 32 bits', () => {
    const [extent, ...more] = asked(hole, 4096, 2 ** 32 - 4096, size);
    expect(more).toEqual([]);
    expect(extent?.length).toBe(0xffff0000);
  });

  test('are whole in extended headers', () => {
    expect(asked(hole, 0, size, size, 'wide')).toEqual([{ length: size, status: 3, high: 0 }]);
  });
});

test('an answer has at most 65536 extents', () => {
  const status = Array.from({ length: 70_000 }, (_, sector) => sector % 2);
  expect(asked(painted(status, 1), 0, 70_000 * 512, 70_000 * 512)).toHaveLength(65_536);
});

describe('of a zoned device', () => {
  function zoned(...words: string[]) {
    const world = new World();
    const start = ['memory_backed=1', 'zoned=1', 'size=4', 'zone_size=1', ...words];
    const { disk, device } = poweredDevice(world, start);
    const hctx = disk.queue.hctx(0);
    hctx.submit(new TestBio(Command.WRITE, 2048, 8, new Uint8Array(4096)).bio);
    hctx.unplug();
    const of = (name: string): Context =>
      contextsOf(disk).find((one) => one.name === name) ?? bug(`no context ${name}`);
    return { disk, device, of };
  }

  test('zones are extents of their own, with write pointer, condition and type', () => {
    const { of, device } = zoned('zone_nr_conv=1');
    device.setZoneCondition(6144, 'offline');
    expect(asked(of('x-tnull:zone'), 0, 4 * MIB, 4 * MIB, 'wide')).toEqual([
      { length: MIB, status: 2048, high: (1 << 20) | (0 << 16) },
      { length: MIB, status: 2056, high: (2 << 20) | (2 << 16) },
      { length: MIB, status: 4096, high: (2 << 20) | (1 << 16) },
      { length: MIB, status: 6144, high: (2 << 20) | (15 << 16) },
    ]);
  });

  test('in 32 bits: condition, type, and the write pointer in blocks from the start of the zone', () => {
    const { of } = zoned('bs=4096');
    const statuses = asked(of('x-tnull:zone32'), MIB, 2 * MIB, 4 * MIB).map(({ status }) => status);
    expect(statuses).toEqual([(1 << 8) | (2 << 4) | 2, (2 << 4) | 1]);
  });

  test('32 bits are not offered where they do not suffice', () => {
    const world = new World();
    const words = ['zoned=1', 'size=65536', 'zone_size=16384'];
    const { disk } = poweredDevice(world, words);
    expect(contextsOf(disk).map(({ name }) => name)).toEqual([
      ...['base:allocation', 'x-tnull:zone', 'x-tnull:zone-capacity'],
    ]);
  });

  test('capacities are in sectors', () => {
    const { of } = zoned('zone_size=2', 'zone_capacity=1');
    const capacity = asked(of('x-tnull:zone-capacity'), 0, MIB, 4 * MIB);
    expect(capacity).toEqual([{ length: 2 * MIB, status: 2048, high: 0 }]);
  });

  test('a range that begins inside a zone begins with the rest of it', () => {
    const { of } = zoned();
    const extents = asked(of('x-tnull:zone32'), MIB + 512, MIB, 4 * MIB);
    expect(extents.map(({ length }) => length)).toEqual([MIB - 512, MIB]);
  });

  test('a device without zones has base:allocation alone', () => {
    const { disk } = poweredDevice(new World(), ['size=4']);
    expect(contextsOf(disk).map(({ name }) => name)).toEqual(['base:allocation']);
  });
});
