/** A command is judged once, and as a naive judge of each block would. */

import fc from 'fast-check';
import {
  Command,
  CommandFlag,
  NbdError,
  RequestHeader,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { Judgement, judge, tellFaults, Verdict } from '../../src/export/judgement.ts';
import { type Bounds, Rules, type Terms } from '../../src/export/rules.ts';
import { allocatesNothing } from '../allocated.ts';
import { testRuns } from '../test-runs.ts';

const { READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS, RESIZE } = Command;
const { FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;
const OFFER = TransmissionFlag;
const commands = [READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS];

function header(command: number, offset: number, length: number, flags = 0): RequestHeader {
  const halves = {
    ...{ offsetHigh: Math.floor(offset / 2 ** 32), offsetLow: offset % 2 ** 32 },
    ...{ lengthHigh: Math.floor(length / 2 ** 32), lengthLow: length % 2 ** 32 },
  };
  // Frozen: whoever judges changes nothing of it.
  const fields = { command, offset, length, flags, ...halves };
  return Object.freeze(Object.assign(new RequestHeader(), fields));
}

interface Case {
  readonly terms: Terms;
  readonly bounds: Bounds & { readonly size: number };
  readonly header: RequestHeader;
}

/** What may be said of a command. */
interface Expected {
  readonly verdict: Verdict;
  /** Of a refusal. */
  readonly error?: number;
  /** Of BLOCKS, in blocks. */
  readonly first?: number;
  readonly count?: number;
}

/** The first rule that is broken, in the order in which they are told. */
function errorOf({ terms, bounds, header: { command, offset, length, flags } }: Case): number {
  const offered = (flag: number): boolean => (terms.flags & flag) !== 0;
  const writes = command === WRITE || command === TRIM || command === WRITE_ZEROES;
  const needs: Record<number, boolean> = {
    [TRIM]: offered(OFFER.SEND_TRIM),
    [CACHE]: offered(OFFER.SEND_CACHE),
    [WRITE_ZEROES]: offered(OFFER.SEND_WRITE_ZEROES),
    [BLOCK_STATUS]: terms.contexts.length > 0,
  };
  const withPayload =
    command === WRITE || (command === BLOCK_STATUS && offered(OFFER.BLOCK_STATUS_PAYLOAD));
  const flagsOf: [flag: number, good: boolean][] = [
    [FUA, offered(OFFER.SEND_FUA)],
    [DF, command === READ && offered(OFFER.SEND_DF)],
    [NO_HOLE, command === WRITE_ZEROES],
    [FAST_ZERO, command === WRITE_ZEROES && offered(OFFER.SEND_FAST_ZERO)],
    [REQ_ONE, command === BLOCK_STATUS],
    [PAYLOAD_LEN, terms.extendedHeaders && withPayload],
    [64, false],
  ];
  const payload = (flags & PAYLOAD_LEN) !== 0;
  const carries = command === READ || command === WRITE;
  const alignment = terms.blockSizeNegotiated ? bounds.blockSize.minimum : bounds.alignment;
  const unit =
    command === WRITE || command === WRITE_ZEROES
      ? Math.max(alignment, bounds.writeAlignment)
      : alignment;
  const beyond = command === WRITE || command === WRITE_ZEROES ? NbdError.ENOSPC : NbdError.EINVAL;
  const broken: [boolean, number][] = [
    [!commands.some((one) => one === command), NbdError.EINVAL],
    [writes && offered(OFFER.READ_ONLY), NbdError.EPERM],
    [needs[command] === false, NbdError.EINVAL],
    [flagsOf.some(([flag, good]) => (flags & flag) !== 0 && !good), NbdError.EINVAL],
    [payload && length === 0, NbdError.EINVAL],
  ];
  const status = payload && command === BLOCK_STATUS;
  if (status) broken.push([length > 8 + 4 * terms.contexts.length, NbdError.EINVAL]);
  else if (command === FLUSH) broken.push([offset !== 0 || length !== 0, NbdError.EINVAL]);
  else {
    const tooLong = carries && length > bounds.payloadMax;
    broken.push(
      [tooLong, command === READ ? NbdError.EOVERFLOW : NbdError.EINVAL],
      [BigInt(offset) + BigInt(length) > BigInt(bounds.size), beyond],
      [length === 0 && (command === READ || command === BLOCK_STATUS), NbdError.EINVAL],
      [length > 0 && (offset % unit !== 0 || length % unit !== 0), NbdError.EINVAL],
    );
  }
  return broken.find(([is]) => is)?.[1] ?? 0;
}

function expected(one: Case): Expected {
  const error = errorOf(one);
  if (error !== 0) return { verdict: Verdict.REFUSED, error };
  const { bounds } = one;
  const { command, offset, length } = one.header;
  if (command === BLOCK_STATUS) return { verdict: Verdict.STATUS };
  if (command === FLUSH) {
    return bounds.volatile
      ? { verdict: Verdict.BLOCKS, first: 0, count: 0 }
      : { verdict: Verdict.NOTHING };
  }
  if (command === CACHE) return { verdict: Verdict.NOTHING };
  const touched: number[] = [];
  const covered: number[] = [];
  for (let index = 0; index * bounds.blockBytes < bounds.size; index++) {
    const begin = index * bounds.blockBytes;
    // The data of a write must fill the block; everything else need not reach behind the export.
    const end = begin + bounds.blockBytes;
    const needed = command === WRITE ? end : Math.min(end, bounds.size);
    if (offset < end && offset + length > begin && length > 0) touched.push(index);
    if (offset <= begin && offset + length >= needed && length > 0) covered.push(index);
  }
  const writesParts = command === WRITE || command === WRITE_ZEROES;
  if (writesParts && covered.length < touched.length) return { verdict: Verdict.PARTS };
  const [first, ...more] = command === TRIM ? covered : touched;
  if (first === undefined) return { verdict: Verdict.NOTHING };
  return { verdict: Verdict.BLOCKS, first, count: 1 + more.length };
}

const bit = (flag: number): fc.Arbitrary<number> => fc.constantFrom(0, flag);
const some = (...flags: number[]): fc.Arbitrary<number> =>
  fc.tuple(...flags.map(bit)).map((set) => set.reduce((all, one) => all | one, 0));

/** Mostly as clients do it, since a command that is refused shows little. */
const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: right, weight: 5 }, { arbitrary: wrong, weight: 1 });

const bounds = fc
  .record({
    blockBytes: fc.constantFrom(512, 1024, 4096),
    blocks: fc.integer({ min: 1, max: 20 }),
    short: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 511 })),
    zoned: mostly(fc.constant(false), fc.constant(true)),
    strict: mostly(fc.constant(false), fc.constant(true)),
    volatile: fc.boolean(),
    payloadMax: fc.constantFrom(4096, 2 ** 20),
  })
  .map(({ blockBytes, blocks, short, zoned, strict, volatile, payloadMax }) => {
    const alignment = strict ? blockBytes : 1;
    const writeAlignment = zoned ? blockBytes : alignment;
    return {
      ...{ size: blocks * blockBytes - short, blockBytes, alignment, writeAlignment, volatile },
      blockSize: { minimum: writeAlignment, maximumPayload: payloadMax / 2 },
      payloadMax,
    };
  });

const usual = [
  ...[OFFER.SEND_FUA, OFFER.SEND_DF, OFFER.SEND_TRIM, OFFER.SEND_WRITE_ZEROES, OFFER.SEND_FLUSH],
  ...[OFFER.SEND_CACHE, OFFER.SEND_FAST_ZERO, OFFER.BLOCK_STATUS_PAYLOAD],
];
const terms = fc.record({
  flags: mostly(
    fc.constant(usual.reduce((all, one) => all | one, 0)),
    some(...usual, OFFER.READ_ONLY),
  ),
  extendedHeaders: fc.boolean(),
  contexts: fc.constantFrom([], [{ id: 1, name: 'base:allocation' }]),
  blockSizeNegotiated: mostly(fc.constant(false), fc.constant(true)),
});

const edge = mostly(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(1, 1.1));
const around = fc.constantFrom(0, 0, 0, 1, -1, 100);

const cases: fc.Arbitrary<Case> = fc
  .record({
    ...{ terms, bounds },
    command: mostly(fc.constantFrom(...commands), fc.constantFrom(RESIZE, DISC, 99)),
    flags: mostly(
      fc.constantFrom(0, 0, FUA),
      fc.oneof(
        some(FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO),
        some(FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN, 64),
        fc.constant(PAYLOAD_LEN),
      ),
    ),
    // Edges as parts of the export, and bytes around them.
    edges: fc.tuple(edge, edge),
    offsets: fc.tuple(around, around),
    toEnd: mostly(fc.constant(false), fc.constant(true)),
  })
  .map(({ terms: agreed, bounds: of, command, flags, edges, offsets, toEnd }) => {
    const [a = 0, b = 0] = edges
      .map((part) => Math.round((part * of.size) / of.blockBytes) * of.blockBytes)
      .toSorted((x, y) => x - y);
    const from = Math.max(0, a + offsets[0]);
    const to = toEnd ? of.size : b + offsets[1];
    const flushes = command === FLUSH && !toEnd;
    const length = flushes ? 0 : Math.max(0, to - from);
    return {
      terms: agreed,
      bounds: of,
      header: header(command, flushes ? 0 : from, length, flags),
    };
  });

const judged = new Judgement();

test('a command is judged as by looking at each block', () => {
  fc.assert(
    fc.property(cases, (one) => {
      judge(one.header, new Rules(one.terms, one.bounds), judged);
      const { verdict, error, first = 0, count } = expected(one);
      expect(judged.refusal?.error).toBe(error);
      expect(judged.verdict).toBe(verdict);
      if (verdict !== Verdict.BLOCKS) return;
      const { blockBytes } = one.bounds;
      expect(judged.sector * 512).toBe(first * blockBytes);
      expect(judged.sectors * 512).toBe((count ?? 0) * blockBytes);
      expect(judged.head).toBe(one.header.offset - first * blockBytes);
    }),
    { numRuns: testRuns(5000) },
  );
});

test('data in flight are those of reads and writes that move some', () => {
  fc.assert(
    fc.property(cases, (one) => {
      judge(one.header, new Rules(one.terms, one.bounds), judged);
      const { command, length } = one.header;
      const moves = judged.refusal === undefined && (command === READ || command === WRITE);
      expect(judged.bytes).toBe(moves ? length : 0);
    }),
    { numRuns: testRuns(2000) },
  );
});

test('a command that passed, and is not doubtful, has no faults to tell', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const rules = new Rules(one.terms, one.bounds);
      judge(one.header, rules, judged);
      fc.pre(judged.refusal === undefined && !judged.doubtful);
      const faults: string[] = [];
      tellFaults(one.header, rules, (fault) => faults.push(fault));
      expect(faults).toEqual([]);
    }),
    { numRuns: testRuns(2000) },
  );
});

test('what was judged before leaves nothing behind', () => {
  fc.assert(
    fc.property(cases, cases, (before, one) => {
      const used = new Judgement();
      judge(before.header, new Rules(before.terms, before.bounds), used);
      const rules = new Rules(one.terms, one.bounds);
      judge(one.header, rules, used);
      const fresh = new Judgement();
      judge(one.header, rules, fresh);
      const { verdict, refusal, doubtful, bytes } = fresh;
      expect(used).toMatchObject({ verdict, refusal, doubtful, bytes });
      const { base, offset, length, sector, sectors, head } = fresh;
      if (verdict === Verdict.PARTS) expect(used).toMatchObject({ base, offset, length });
      if (verdict === Verdict.BLOCKS) expect(used).toMatchObject({ sector, sectors, head });
    }),
    { numRuns: testRuns(2000) },
  );
});

describe('on an export of 2^63 bytes', () => {
  const size = 2n ** 63n - 4096n;
  const block = 4096n;
  const agreed = {
    flags: OFFER.SEND_WRITE_ZEROES | OFFER.SEND_TRIM,
    ...{ extendedHeaders: true, contexts: [], blockSizeNegotiated: false },
  };
  const rules = new Rules(agreed, {
    ...{ size, alignment: 1, writeAlignment: 1, blockBytes: Number(block), volatile: false },
    blockSize: { minimum: 1, maximumPayload: 2 ** 25 },
    payloadMax: 2 ** 26,
  });

  test('the blocks are those of the exact range', () => {
    const places = fc.bigInt({ min: 2n ** 52n, max: size - 2n ** 27n });
    const lengths = fc.integer({ min: 1, max: 2 ** 26 });
    fc.assert(
      fc.property(places, lengths, fc.constantFrom(READ, TRIM), (offset, length, command) => {
        const far = new RequestHeader();
        Object.assign(far, { command, length, lengthLow: length, offset: Number(offset) });
        far.offsetHigh = Number(offset >> 32n);
        far.offsetLow = Number(offset % 2n ** 32n);
        judge(far, rules, judged);
        const up = (value: bigint): bigint => ((value + block - 1n) / block) * block;
        const down = (value: bigint): bigint => value - (value % block);
        const end = offset + BigInt(length);
        const [first, last] = command === READ ? [down(offset), up(end)] : [up(offset), down(end)];
        expect(judged.verdict).toBe(last > first ? Verdict.BLOCKS : Verdict.NOTHING);
        if (last <= first) return;
        expect(BigInt(judged.sectors) * 512n).toBe(last - first);
        expect(BigInt(judged.head)).toBe(offset - first);
        // The sector itself is exact below 2^53, which is byte 2^62.
        if (first < 2n ** 62n) expect(BigInt(judged.sector) * 512n).toBe(first);
      }),
    );
  });
});

test('judging makes no object', async () => {
  const rules = new Rules(
    { flags: OFFER.SEND_FUA, extendedHeaders: false, contexts: [], blockSizeNegotiated: true },
    {
      ...{ size: 2 ** 30, alignment: 1, writeAlignment: 1, blockBytes: 512, volatile: true },
      blockSize: { minimum: 1, maximumPayload: 2 ** 25 },
      payloadMax: 2 ** 26,
    },
  );
  const all = [
    ...[header(READ, 4096, 4096), header(WRITE, 8192, 4096, FUA), header(FLUSH, 0, 0)],
    ...[header(READ, 4097, 4096), header(WRITE, 1, 1), header(TRIM, 0, 512)],
  ];
  const work = (count: number): void => {
    for (let n = 0; n < count; n++) {
      const one = all[n % all.length];
      if (one !== undefined) judge(one, rules, judged);
    }
  };
  expect(await allocatesNothing(work)).toBe(true);
});
