/** Ranges that a double cannot hold are rebased without a rounded bit. */

import fc from 'fast-check';
import { Command, NbdError, RequestHeader, TransmissionFlag } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import {
  exactLength,
  FarSize,
  farExtent,
  isFar,
  type NearRange,
  rebase,
} from '../../src/export/far.ts';
import { Judgement, judge } from '../../src/export/judgement.ts';
import { type Bounds, type Refusal, Rules, refused } from '../../src/export/rules.ts';

const NEAR = 2n ** 52n;
const MOST = 2n ** 63n - 1n;

/** As the decoder fills it in. */
function header(offset: bigint, length: bigint, command: number = Command.READ): RequestHeader {
  const made = new RequestHeader();
  made.command = command;
  made.offsetHigh = Number(offset >> 32n);
  made.offsetLow = Number(offset % 2n ** 32n);
  made.lengthHigh = Number(length >> 32n);
  made.lengthLow = Number(length % 2n ** 32n);
  made.offset = made.offsetHigh * 2 ** 32 + made.offsetLow;
  made.length = made.lengthHigh * 2 ** 32 + made.lengthLow;
  return made;
}

function nearOf(range: RequestHeader, block: number): NearRange {
  const near = { base: -1, offset: -1, length: -1, behind: -1 };
  rebase(range, block, near);
  return near;
}

/** Why it is refused. */
function refusal(made: RequestHeader, rules: Rules): Refusal | undefined {
  const judged = new Judgement();
  judge(made, rules, judged);
  return judged.refusal;
}

const bits64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc
    .tuple(
      fc.constantFrom(0n, NEAR, 2n ** 53n, 2n ** 62n, 2n ** 63n, 2n ** 64n),
      fc.integer({ min: -5000, max: 5000 }),
    )
    .map(([around, delta]) => BigInt.asUintN(64, around + BigInt(delta))),
);

test('far is what begins or is as long as 2^52 bytes', () => {
  fc.assert(
    fc.property(bits64, bits64, (offset, length) => {
      expect(isFar(header(offset, length))).toBe(offset >= NEAR || length >= NEAR);
    }),
  );
});

test('a short range keeps its bytes, and its sectors', () => {
  const short = fc.integer({ min: 1, max: 2 ** 28 });
  fc.assert(
    fc.property(bits64, short, fc.constantFrom(512, 1024, 4096), (offset, length, block) => {
      const made = header(offset, BigInt(length));
      const near = nearOf(made, block);
      expect(BigInt(near.base) * 512n + BigInt(near.offset)).toBe(offset);
      expect(near.length).toBe(length);
      expect(near.behind).toBe(0);
      expect(Number.isSafeInteger(near.offset + near.length)).toBe(true);
      expect(made).toEqual(header(offset, BigInt(length)));
    }),
  );
});

test('a long range becomes the whole blocks that it touches', () => {
  const places = fc.bigInt({ min: 0n, max: MOST });
  fc.assert(
    fc.property(places, places, fc.constantFrom(512n, 4096n), (a, b, block) => {
      const [offset, end] = a < b ? [a, b] : [b, a];
      fc.pre(end - offset >= NEAR);
      const made = header(offset, end - offset);
      const near = nearOf(made, Number(block));
      const first = offset - (offset % block);
      const whole = ((end + block - 1n) / block) * block - first;
      expect(BigInt(near.base) * 512n + BigInt(near.offset)).toBe(first);
      expect(BigInt(near.behind)).toBe(offset - first);
      if (whole <= 2n ** 62n || block > 512n) expect(BigInt(near.length)).toBe(whole);
      expect(near.length % Number(block)).toBe(0);
      expect(Math.abs(Number(BigInt(near.length) - whole))).toBeLessThanOrEqual(512);
      expect(made).toEqual(header(offset, end - offset));
    }),
  );
});

test('an extent ends with a sector, or with the export', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 2n ** 53n, max: MOST }),
      bits64,
      bits64,
      (size, offset, length) => {
        fc.pre(offset + length <= size && length > 0n);
        const made = header(offset, length);
        const extent = farExtent(made, new FarSize(size));
        expect(exactLength(made)).toBe(length);
        expect(extent >= length && extent < length + 512n).toBe(true);
        expect(offset + extent === size || (offset + extent) % 512n === 0n).toBe(true);
        expect(offset + extent <= size).toBe(true);
      },
    ),
  );
});

describe('the rules', () => {
  const terms = {
    flags: TransmissionFlag.SEND_WRITE_ZEROES | TransmissionFlag.SEND_CACHE,
    extendedHeaders: true,
    contexts: [],
    blockSizeNegotiated: false,
  };
  const bounds = (size: bigint, alignment = 1): Bounds => ({
    size: size < 2n ** 53n ? Number(size) : size,
    writeAlignment: alignment,
    alignment,
    blockSize: { minimum: alignment, maximumPayload: 2 ** 25 },
    payloadMax: 2 ** 26,
    blockBytes: Math.max(512, alignment),
    volatile: false,
  });
  const sizes = fc.oneof(
    fc.bigInt({ min: 1n, max: MOST }),
    fc
      .tuple(fc.constantFrom(NEAR, 2n ** 53n, 2n ** 62n, MOST), fc.integer({ min: -600, max: 0 }))
      .map(([around, delta]) => around + BigInt(delta)),
  );

  test('let a range pass just when it ends within the size', () => {
    const deltas = fc.bigInt({ min: -5000n, max: 5000n });
    fc.assert(
      fc.property(sizes, bits64, deltas, fc.boolean(), (size, anywhere, delta, near) => {
        const length = BigInt.asUintN(64, near ? size - anywhere + delta : anywhere);
        const offset = near ? anywhere : BigInt.asUintN(64, size + delta);
        fc.pre(length > 0n);
        const made = header(offset, length, Command.WRITE_ZEROES);
        const fits = offset + length <= size;
        const wrong = refusal(made, new Rules(terms, bounds(size)));
        expect(wrong).toBe(fits ? undefined : refused.noSpace);
      }),
      { numRuns: 2000 },
    );
  });

  test('know whole blocks by their lower bits', () => {
    const rules = new Rules(terms, bounds(2n ** 63n - 4096n, 4096));
    for (const at of [2n ** 53n, 2n ** 62n, 2n ** 63n - 8192n]) {
      const ask = (offset: bigint, length: bigint) =>
        refusal(header(offset, length, Command.WRITE_ZEROES), rules);
      expect(ask(at, 4096n)).toBeUndefined();
      expect(ask(at + 1n, 4096n - 1n)).toBe(refused.unaligned);
      expect(ask(at + 512n, 512n)).toBe(refused.unaligned);
      expect(ask(at, 1n)).toBe(refused.unaligned);
    }
    const far = header(2n ** 63n - 4096n, 1n, Command.WRITE_ZEROES);
    expect(refusal(far, rules)?.error).toBe(NbdError.ENOSPC);
  });
});
