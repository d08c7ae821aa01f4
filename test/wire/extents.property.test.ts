/** Holes of reads and statuses of blocks against a naive model, over the wire, in both chunked forms.
 *  nbd-protocol.md sections 3.2 and 3.5. */

import fc from 'fast-check';
import { ChunkType, Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { SLAB_BYTES } from '../../src/pages/slab.ts';
import { bug } from '../../src/units.ts';
import { testRuns } from '../test-runs.ts';
import { serveControlled } from './controlled.ts';
import { type Extent, type Form, FormClient } from './form-client.ts';
import { serve } from './served.ts';

const { READ, WRITE, TRIM, WRITE_ZEROES, BLOCK_STATUS } = Command;
const { NO_HOLE, DF, REQ_ONE } = CommandFlag;
const MIB = 2 ** 20;
const SECTORS = (2 * MIB) / 512;
const ALLOCATION = 'base:allocation';
const chunked = ['structured', 'extended'] as const;
const HOLE = 3n;
const ZERO = 2n;
const DATA = 0n;
/** By what `Model.held` says. Zeros that have memory may be known to be zeros. */
const STATUSES: readonly (readonly bigint[])[] = [[HOLE], [DATA], [DATA, ZERO]];

/** What the model shows. */
const shown = Buffer.alloc(2 * MIB);

/** What each sector holds, and whether it is there; 2: it is zeros that are. */
class Model {
  readonly bytes = new Uint8Array(SECTORS);
  readonly held = new Uint8Array(SECTORS);

  set(first: number, end: number, byte: number, held: 0 | 1 | 2): void {
    this.bytes.fill(byte, first, end);
    this.held.fill(held, first, end);
  }

  /** A view, until it is asked again. */
  data(offset: number, length: number): Buffer {
    const end = offset + length;
    for (let sector = Math.floor(offset / 512); sector * 512 < end; sector++) {
      shown.fill(this.bytes[sector] ?? 0, sector * 512, (sector + 1) * 512);
    }
    return shown.subarray(offset, end);
  }

  /** The first byte from `first` on whose sector cannot have the extent's status; -1: there is none. */
  refutes(first: number, extent: Extent): number {
    for (let byte = first; byte < first + extent.length; byte += 512) {
      const allowed = STATUSES[this.held[Math.floor(byte / 512)] ?? 0] ?? [];
      if (!allowed.includes(extent.status)) return byte;
    }
    return -1;
  }
}

type Change = readonly ['write' | 'zero' | 'provision' | 'trim', number, number];

const places = fc.tuple(fc.nat(SECTORS - 1), fc.integer({ min: 1, max: 700 }));
const changes = fc.array(
  fc
    .tuple(fc.constantFrom('write', 'zero', 'provision', 'trim'), places)
    .map(([kind, [first, sectors]]): Change => [kind, first, Math.min(SECTORS, first + sectors)]),
  { maxLength: 12 },
);
const ranges = fc
  .tuple(fc.nat(2 * MIB - 1), fc.integer({ min: 1, max: 2 * MIB }))
  .map(([offset, length]) => [offset, Math.min(length, 2 * MIB - offset)] as const);

async function apply(client: FormClient, model: Model, change: Change): Promise<void> {
  const [kind, first, end] = change;
  const at = { offset: first * 512, length: (end - first) * 512 };
  if (kind === 'write') {
    model.set(first, end, 0xa0 + (first % 16), 1);
    await client.write(at.offset, model.data(at.offset, at.length));
    return;
  }
  model.set(first, end, 0, kind === 'provision' ? 2 : 0);
  const command = kind === 'trim' ? TRIM : WRITE_ZEROES;
  const flags = kind === 'provision' ? NO_HOLE : 0;
  expect((await client.ask({ command, flags, ...at })).error).toBe(0);
}

function checkExtents(
  model: Model,
  extents: readonly Extent[],
  [offset, length]: readonly [number, number],
  one: boolean,
): void {
  let at = offset;
  for (const [index, extent] of extents.entries()) {
    expect(at).toBeLessThan(offset + length); // only the last passes the end
    expect(model.refutes(at, extent)).toBe(-1);
    expect(extents[index + 1]?.status).not.toBe(extent.status);
    at += extent.length;
    // Cuts are where the status changes, in whole sectors.
    if (index < extents.length - 1) expect(at % 512).toBe(0);
  }
  expect(at).toBeLessThanOrEqual(2 * MIB);
  if (!one) return expect(at).toBeGreaterThanOrEqual(offset + length);
  expect(extents).toHaveLength(1);
  expect(at).toBeLessThanOrEqual(offset + length);
}

test.each(chunked)(
  'empty-chunk, extent-lengths: reads and statuses are as the model says (%s)',
  async (form) => {
    await fc.assert(
      fc.asyncProperty(changes, fc.array(ranges, { maxLength: 4 }), async (made, asked) => {
        const { path, daemon } = await serve('size=2', 'memory_backed=1', 'discard=1');
        const client = await FormClient.open(path, { form, contexts: [ALLOCATION] });
        const model = new Model();
        for (const change of made) await apply(client, model, change);
        for (const range of [...asked, [0, 2 * MIB] as const]) {
          const [offset, length] = range;
          for (const flags of [0, DF]) {
            const read = await client.ask({ command: READ, flags, offset, length });
            expect(read.data.equals(model.data(offset, length))).toBe(true);
            if (flags === DF) expect(read.types).toEqual([ChunkType.OFFSET_DATA]);
          }
          for (const flags of [0, REQ_ONE]) {
            const reply = await client.ask({ command: BLOCK_STATUS, flags, offset, length });
            checkExtents(model, reply.statuses.get(ALLOCATION) ?? [], range, flags === REQ_ONE);
          }
        }
        daemon.stopNow();
      }),
      { numRuns: testRuns(20) },
    );
  },
);

describe.each(chunked)('in %s replies', (form: Form) => {
  const open = async (contexts: string[], ...words: string[]): Promise<FormClient> => {
    const { path } = await serve(...words);
    return await FormClient.open(path, { form, contexts });
  };
  const status = async (client: FormClient, offset: number, length: number, flags = 0) =>
    (await client.ask({ command: BLOCK_STATUS, offset, length, flags })).statuses;

  test('zeros that were written over data with NO_HOLE are told as zeros', async () => {
    const client = await open([ALLOCATION], 'size=4', 'memory_backed=1');
    await client.write(0, Buffer.alloc(MIB, 1));
    const zero = { command: WRITE_ZEROES, flags: NO_HOLE };
    expect((await client.ask({ ...zero, offset: 8192, length: MIB / 2 })).error).toBe(0);
    expect((await client.ask({ ...zero, offset: MIB, length: 4096 })).error).toBe(0);
    await client.write(65_536, Buffer.alloc(512, 1));
    expect((await status(client, 0, 2 * MIB)).get(ALLOCATION)).toEqual([
      { length: 8192, status: DATA },
      { length: 65_536 - 8192, status: ZERO },
      { length: 4096, status: DATA }, // its page is no longer known to be zeros
      { length: MIB / 2 + 8192 - 65_536 - 4096, status: ZERO },
      { length: MIB / 2 - 8192, status: DATA },
      { length: 4096, status: ZERO },
      { length: MIB - 4096, status: HOLE },
    ]);
    expect((await client.read(8192, 4096)).every((byte) => byte === 0)).toBe(true);
  });

  test('holes of a long read are not sent; neighbours are joined', async () => {
    const client = await open([], 'size=64', 'memory_backed=1');
    await client.write(8 * MIB + 512, Buffer.alloc(1000, 1));
    const reply = await client.ask({ command: READ, offset: 100, length: 32 * MIB });
    expect(reply.types).toEqual([
      ...[ChunkType.OFFSET_HOLE, ChunkType.OFFSET_DATA, ChunkType.OFFSET_HOLE],
    ]);
    expect(reply.holeBytes).toBe(32 * MIB - SLAB_BYTES);
    expect(reply.data.subarray(8 * MIB + 412, 8 * MIB + 1412).every((byte) => byte === 1)).toBe(
      true,
    );
  });

  test('what zones show behind their write pointers is sent: it is not zeros', async () => {
    const words = ['size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1'];
    const client = await open([ALLOCATION], ...words);
    const reply = await client.ask({ command: READ, length: MIB });
    expect(reply.holeBytes).toBe(0);
    expect(reply.data.every((byte) => byte === 0xff)).toBe(true);
    expect((await status(client, 0, MIB)).get(ALLOCATION)?.[0]?.status).toBe(1n);
  });

  test('max_sectors: no chunk is longer than the largest payload that was told', async () => {
    const client = await open([], 'size=4', 'memory_backed=1', 'max_sectors=16');
    await client.write(0, Buffer.alloc(MIB, 1));
    const reply = await client.ask({ command: READ, offset: 512, length: 100_000 });
    expect(reply.types).toHaveLength(Math.ceil(100_000 / 8192));
    const short = await client.ask({ command: READ, length: 12_000 });
    expect(short.types).toHaveLength(2);
    const whole = await client.ask({ command: READ, flags: DF, length: 65_536 });
    expect(whole.types).toEqual([ChunkType.OFFSET_DATA]);
  });

  test('extent-lengths: an extent above 4 GiB is cut at a multiple of every block size, if it must be', async () => {
    const client = await open([ALLOCATION], 'size=1048576');
    const [extent, ...more] = (await status(client, 0, 2 ** 32 - 512)).get(ALLOCATION) ?? [];
    expect(more).toEqual([]);
    const cut = form === 'extended' ? 2 ** 32 - 512 : 0xffff0000;
    expect(extent).toEqual({ length: cut, status: HOLE });
  });

  test('several contexts: one chunk for each, in one reply', async () => {
    const words = ['size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1', 'zone_nr_conv=1'];
    const all = [ALLOCATION, 'x-tnull:zone', 'x-tnull:zone32', 'x-tnull:zone-capacity'];
    const client = await open(all, ...words);
    await client.write(MIB, Buffer.alloc(4096, 1));
    const found = await status(client, MIB, 2 * MIB);
    expect(found.get('x-tnull:zone32')?.map((one) => one.status)).toEqual([
      ...[(8n << 8n) | (2n << 4n) | 2n, (2n << 4n) | 1n],
    ]);
    expect(found.get('x-tnull:zone-capacity')).toEqual([
      ...[
        { length: MIB, status: 2048n },
        { length: MIB, status: 2048n },
      ],
    ]);
    const wide = found.get('x-tnull:zone')?.map((one) => one.status);
    if (form === 'structured') expect(wide).toBeUndefined();
    else
      expect(wide).toEqual([(2n << 52n) | (2n << 48n) | 2056n, (2n << 52n) | (1n << 48n) | 4096n]);
  });

  test('a status is of the time after all that was answered before', async () => {
    const client = await open([ALLOCATION], 'size=4', 'memory_backed=1', 'discard=1');
    for (let round = 0; round < 20; round++) {
      await client.write(0, Buffer.alloc(4096, 1));
      expect((await status(client, 0, 4096)).get(ALLOCATION)?.[0]?.status).toBe(DATA);
      expect((await client.ask({ command: TRIM, length: 4096 })).error).toBe(0);
      expect((await status(client, 0, 4096)).get(ALLOCATION)?.[0]?.status).toBe(HOLE);
    }
  });

  test('pipelined with writes and reads each has its own reply', async () => {
    const client = await open([ALLOCATION], 'size=64', 'memory_backed=1');
    const asks = Array.from({ length: 100 }, (_, at) => {
      const command = [BLOCK_STATUS, READ, WRITE][at % 3] ?? READ;
      return { command, offset: at * 65_536, length: 512, cookie: BigInt(at) };
    });
    for (const ask of asks) client.send(ask, Buffer.alloc(ask.command === WRITE ? 512 : 0, 1));
    const left = new Map(asks.map((ask) => [ask.cookie, ask]));
    while (left.size > 0) {
      const cookie = await client.nextCookie();
      const ask = left.get(cookie) ?? bug(`a reply to ${cookie}`);
      expect((await client.whole(ask)).error).toBe(0);
      left.delete(cookie);
    }
  });

  test('a bad block is told with its place', async () => {
    const served = await serveControlled('size=4', 'memory_backed=1');
    await served.set('nullb0', { badblocks: '+2048-2050' });
    const client = await FormClient.open(served.path, { form });
    const reply = await client.ask({ command: READ, offset: MIB - 4096, length: 65_536 });
    expect(reply).toMatchObject({ error: NbdError.EIO, errorAt: BigInt(MIB) });
    expect(reply.text).toBe('badblocks: sector 2048 is bad');
    const inside = await client.ask({ command: READ, offset: MIB + 100, length: 200 });
    expect(inside.errorAt).toBe(BigInt(MIB + 100));
    const payload = Buffer.alloc(3000);
    const write = { command: WRITE, offset: MIB - 1000, length: 3000 };
    expect((await client.ask(write, payload)).errorAt).toBe(BigInt(MIB));
  });
});
