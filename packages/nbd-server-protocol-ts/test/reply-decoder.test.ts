/** How a client takes a server's replies: chunks in any order and at any cut, and mistakes. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocatesNothing } from '../../../test/allocated.ts';
import {
  Command,
  encodeExtendedRequestAt,
  ReplyDecoder,
  ReplyEncoder,
  RequestHeader,
} from '../src/index.ts';
import { decodeReplies, inFlight, type Told } from './events.ts';
import { hex } from './haggle.ts';

const memory = new Uint8Array(1 << 16);
const view = new DataView(memory.buffer);

const nat = (max: number) => fc.integer({ min: 0, max });
const uint32 = nat(2 ** 32 - 1);

/** One chunk of a reply to a read of 4096 bytes, or to a block status, that is not the last. */
type Chunk =
  | { kind: 'data'; delta: number; data: Uint8Array }
  | { kind: 'hole'; delta: number; length: number }
  | { kind: 'errorAt'; delta: number; error: number; text: string }
  | { kind: 'extents'; id: number; extents: [number, number, number][] };

const READ_LENGTH = 4096;
const inside = <T>(make: (delta: number, length: number) => fc.Arbitrary<T>): fc.Arbitrary<T> =>
  nat(READ_LENGTH - 1).chain((delta) =>
    fc.integer({ min: 1, max: READ_LENGTH - delta }).chain((length) => make(delta, length)),
  );
const readChunks: fc.Arbitrary<Chunk> = fc.oneof(
  inside((delta, length) =>
    fc.uint8Array({ minLength: 1, maxLength: Math.min(40, length) }).map((data): Chunk => {
      return { kind: 'data', delta, data };
    }),
  ),
  inside((delta, length) => fc.constant<Chunk>({ kind: 'hole', delta, length })),
  fc.record({
    kind: fc.constant('errorAt' as const),
    delta: nat(READ_LENGTH),
    error: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    text: fc.string({ unit: 'grapheme', maxLength: 20 }),
  }),
);
const statusChunks: fc.Arbitrary<Chunk> = fc.record({
  kind: fc.constant('extents' as const),
  id: uint32,
  extents: fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), uint32, uint32), {
    minLength: 1,
    maxLength: 4,
  }),
});

/** Writes a chunk at `at`; `told` is what a client must hear of it. */
function writeChunk(
  encoder: ReplyEncoder,
  at: number,
  request: RequestHeader,
  chunk: Chunk,
  told: Told[],
): number {
  const cookie = request.cookieLow;
  switch (chunk.kind) {
    case 'data': {
      const head = encoder.data(view, at, 0, request, chunk.delta, chunk.data.length);
      memory.set(chunk.data, at + head);
      told.push(['data', cookie, chunk.delta, Buffer.from(chunk.data).toString('hex')]);
      return head + chunk.data.length;
    }
    case 'hole':
      told.push(['hole', cookie, chunk.delta, chunk.length]);
      return encoder.hole(view, at, 0, request, chunk.delta, chunk.length);
    case 'errorAt': {
      const { error, text, delta } = chunk;
      told.push(['error', cookie, error, text, delta]);
      return encoder.errorAt(view, memory, at, 0, request, error, Buffer.from(text), delta);
    }
    case 'extents': {
      const { id, extents } = chunk;
      let length = encoder.status(view, at, 0, request, id, extents.length);
      for (const [bytes, high, low] of extents) {
        length += encoder.extent(view, at + length, bytes, high, low);
        told.push(['extent', cookie, id, bytes, encoder.form === 'extended' ? high : 0, low]);
      }
      return length;
    }
  }
}

/** Adjacent data pieces are one for the test's recorder. */
function joined(told: readonly Told[]): Told[] {
  const all: Told[] = [];
  for (const one of told) {
    const last = all.at(-1);
    const follows =
      one[0] === 'data' &&
      last?.[0] === 'data' &&
      last[1] === one[1] &&
      Number(last[2]) + String(last[3]).length / 2 === one[2];
    if (follows) all[all.length - 1] = ['data', one[1], Number(last[2]), `${last[3]}${one[3]}`];
    else all.push(one);
  }
  return all;
}

test.each(['structured', 'extended'] as const)(
  'chunks of several %s replies, interleaved and cut anywhere, are told in order',
  (form) => {
    const encoder = new ReplyEncoder(form);
    const chunks = fc.array(fc.tuple(fc.boolean(), readChunks, statusChunks), { maxLength: 8 });
    fc.assert(
      fc.property(
        chunks,
        fc.array(nat(1000), { maxLength: 20 }),
        nat(Number.MAX_SAFE_INTEGER - 8192),
        (list, cuts, offset) => {
          const read = inFlight(Command.READ, 1, offset, READ_LENGTH);
          const status = inFlight(Command.BLOCK_STATUS, 2, offset, READ_LENGTH);
          const told: Told[] = [];
          let length = 0;
          for (const [ofRead, readChunk, statusChunk] of list) {
            const [request, chunk] = ofRead ? [read, readChunk] : [status, statusChunk];
            length += writeChunk(encoder, length, request, chunk, told);
          }
          length += encoder.done(view, length, status);
          length += encoder.error(view, memory, length, read, 5, Buffer.from('end'));
          told.push(['done', 2], ['error', 1, 5, 'end', -1], ['done', 1]);
          const bytes = memory.slice(0, length);
          const at = cuts.filter((cut) => cut < length);
          const decoded = decodeReplies(form, [read, status], bytes, at);
          expect(decoded).toEqual({ told: joined(told), failure: undefined, between: true });
        },
      ),
      { numRuns: 300 },
    );
  },
);

test('offsets above 2^53 are exact: the last bytes of 2^64', () => {
  const request = new RequestHeader();
  request.cookieLow = 1;
  encodeExtendedRequestAt(view, 0, request, 2n ** 64n - 512n, 512n);
  request.length = 512;
  const encoder = new ReplyEncoder('extended');
  const head = encoder.data(view, 0, 0, request, 511, 1);
  expect(view.getBigUint64(32)).toBe(2n ** 64n - 1n);
  const end = head + 1 + encoder.hole(view, head + 1, 1, request, 0, 511);
  expect(decodeReplies('extended', [request], memory.slice(0, end))).toEqual({
    told: [
      ['data', 1, 511, expect.any(String)],
      ['hole', 1, 0, 511],
      ['done', 1],
    ],
    failure: undefined,
    between: true,
  });
});

test('offsets of chunks are sums of all 64 bits', () => {
  const around = fc.tuple(fc.bigInt(0n, 2n ** 32n - 1n), fc.bigInt(-4n, 4n));
  const deltas = fc.oneof(nat(8), nat(2 ** 32 + 8), nat(Number.MAX_SAFE_INTEGER));
  const request = new RequestHeader();
  fc.assert(
    fc.property(around, deltas, ([high, low], delta) => {
      const offset = BigInt.asUintN(64, (high << 32n) + low);
      encodeExtendedRequestAt(view, 0, request, offset, 1n);
      new ReplyEncoder('structured').data(view, 0, 0, request, delta, 1);
      expect(view.getBigUint64(20)).toBe(BigInt.asUintN(64, offset + BigInt(delta)));
    }),
  );
});

describe('a server that breaks the rules is found out', () => {
  const C = '0000000000000001';
  const X = '0000000000001000';
  const READ = inFlight(Command.READ, 1, 4096, 512);
  const STATUS = inFlight(Command.BLOCK_STATUS, 1, 4096, 512);
  const WRITE = inFlight(Command.WRITE, 1, 4096, 512);
  test.each([
    ['a wrong magic', 'simple', READ, '12345678', 'wrong magic'],
    ['a chunk before structured replies', 'simple', READ, '668e33ef', 'wrong magic'],
    ['an extended chunk before extended headers', 'structured', READ, '6e8a278c', 'wrong magic'],
    ['a simple reply after extended headers', 'extended', WRITE, '67446698', 'wrong magic'],
    ['a structured chunk after extended headers', 'extended', WRITE, '668e33ef', 'wrong magic'],
    ['a reply to nobody', 'simple', READ, '67446698 00000000 0000000100000001', 'no request'],
    [
      'read-error-chunk: a simple reply to a read',
      'structured',
      READ,
      `67446698 00000000 ${C}`,
      'simple reply',
    ],
    [
      'a simple reply to a status',
      'structured',
      STATUS,
      `67446698 00000000 ${C}`,
      'without a status',
    ],
    ['NONE that is not the last', 'structured', READ, `668e33ef 0000 0000 ${C} 00000000`, 'NONE'],
    ['NONE with a payload', 'structured', READ, `668e33ef 0001 0000 ${C} 00000001`, 'NONE'],
    ['an unknown chunk', 'structured', READ, `668e33ef 0001 0003 ${C} 00000000`, 'unknown type 3'],
    [
      'empty-chunk: data of no bytes',
      'structured',
      READ,
      `668e33ef 0001 0001 ${C} 00000008`,
      'without data',
    ],
    [
      'data half of an offset',
      'structured',
      READ,
      `668e33ef 0001 0001 ${C} 00000004`,
      'without data',
    ],
    [
      'data before the read',
      'structured',
      READ,
      `668e33ef 0001 0001 ${C} 00000009 0000000000000fff`,
      'outside',
    ],
    [
      'data behind the read',
      'structured',
      READ,
      `668e33ef 0001 0001 ${C} 0000000a 00000000000011ff`,
      'outside',
    ],
    [
      'data far behind',
      'structured',
      READ,
      `668e33ef 0001 0001 ${C} 0000000a ffffffffffffffff`,
      'outside',
    ],
    ['data for a write', 'structured', WRITE, `668e33ef 0001 0001 ${C} 00000009`, 'not asked for'],
    [
      'a hole of no bytes',
      'structured',
      READ,
      `668e33ef 0001 0002 ${C} 0000000c ${X} 00000000`,
      'no bytes',
    ],
    [
      'a hole outside',
      'structured',
      READ,
      `668e33ef 0001 0002 ${C} 0000000c ${X} 00000201`,
      'outside',
    ],
    [
      'a hole that is too short',
      'structured',
      READ,
      `668e33ef 0001 0002 ${C} 0000000b`,
      'wrong length',
    ],
    [
      'a hole for a write',
      'structured',
      WRITE,
      `668e33ef 0001 0002 ${C} 0000000c`,
      'not asked for',
    ],
    [
      'a status for a read',
      'structured',
      READ,
      `668e33ef 0001 0005 ${C} 0000000c`,
      'not asked for',
    ],
    [
      'a status of no extent',
      'structured',
      STATUS,
      `668e33ef 0001 0005 ${C} 00000004`,
      'wrong length',
    ],
    ['half an extent', 'structured', STATUS, `668e33ef 0001 0005 ${C} 00000010`, 'wrong length'],
    ['an extended status', 'structured', STATUS, `668e33ef 0001 0006 ${C} 00000018`, 'wrong form'],
    [
      'an extent of no bytes',
      'structured',
      STATUS,
      `668e33ef 0001 0005 ${C} 0000000c 00000001 00000000 00000000`,
      'no bytes',
    ],
    [
      'an error of 0',
      'structured',
      READ,
      `668e33ef 0001 8001 ${C} 00000006 00000000 0000`,
      'without an error',
    ],
    [
      'an error that is too short',
      'structured',
      READ,
      `668e33ef 0001 8001 ${C} 00000005`,
      'wrong length',
    ],
    [
      'an error that is too long',
      'structured',
      READ,
      `668e33ef 0001 8001 ${C} ffffffff`,
      'wrong length',
    ],
    [
      'an error text too long',
      'structured',
      READ,
      `668e33ef 0001 8001 ${C} 00000006 00000005 0001`,
      'fit',
    ],
    [
      'an error without its offset',
      'structured',
      READ,
      `668e33ef 0001 8002 ${C} 00000008 00000005 0001 4141`,
      'fit',
    ],
    [
      'an error outside',
      'structured',
      READ,
      `668e33ef 0001 8002 ${C} 0000000e 00000005 0000 0000000000001201`,
      'outside',
    ],
    [
      'a compact status',
      'extended',
      STATUS,
      `6e8a278c 0001 0005 ${C} ${X} 000000000000000c`,
      'wrong form',
    ],
    [
      'a wrong count of extents',
      'extended',
      STATUS,
      `6e8a278c 0001 0006 ${C} ${X} 0000000000000018 00000001 00000002`,
      'number of extents',
    ],
    [
      'the offset of another request',
      'extended',
      WRITE,
      `6e8a278c 0001 0000 ${C} 0000000000001001 0000000000000000`,
      'foreign offset',
    ],
    [
      'a chunk of 2^64 - 1 bytes',
      'extended',
      READ,
      `6e8a278c 0001 0001 ${C} ${X} ffffffffffffffff ${X}`,
      'outside',
    ],
  ] as const)('%s', (_, form, request, text, why) => {
    const bytes = hex(text);
    const { failure, told } = decodeReplies(form, [request], bytes);
    expect(failure).toContain(why);
    expect(told).toEqual([]);
    const single = Array.from({ length: bytes.length }, (__, i) => i);
    expect(decodeReplies(form, [request], bytes, single).failure).toBe(failure);
  });
});

test('an error type of the future is an error', () => {
  const bytes = hex('668e33ef 0001 9999 0000000000000001 0000000b 00000005 0002 6e6f 012345');
  const { told, failure } = decodeReplies('structured', [inFlight(Command.READ, 1, 0, 512)], bytes);
  expect(failure).toBeUndefined();
  expect(told).toEqual([
    ['error', 1, 5, 'no', -1],
    ['done', 1],
  ]);
});

test('lengths-of-64-bits: replies make no objects, to write or to read', async () => {
  const encoder = new ReplyEncoder('extended');
  const request = inFlight(Command.READ, 1, 2 ** 40, 512);
  const length = encoder.data(view, 0, 1, request, 0, 512) + 512;
  const bytes = memory.slice(0, length);
  let bytesRead = 0;
  const ignore = (): void => {};
  const decoder = new ReplyDecoder('extended', {
    find: () => request,
    data: (_, __, ___, start, end) => {
      bytesRead += end - start;
    },
    hole: ignore,
    extent: ignore,
    error: ignore,
    done: ignore,
  });
  let times = 0;
  const run = (count: number): void => {
    times += count;
    for (let i = 0; i < count; i++) {
      encoder.data(view, 0, 1, request, 0, 512);
      encoder.hole(view, 1024, 1, request, 0, 512);
      encoder.done(view, 2048, request);
      decoder.receive(bytes, 0, 100);
      decoder.receive(bytes, 100, length);
    }
  };
  expect(await allocatesNothing(run)).toBe(true);
  expect(bytesRead).toBe(times * 512);
});
