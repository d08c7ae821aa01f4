/** Dice: against the same arithmetic in bigints, and golden values, which are part of the interface. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Dice } from '../../src/rules/dice.ts';
import { operations } from '../../src/rules/operations.ts';

const MASK = 2n ** 64n - 1n;

/** splitmix64 as its author tells it. */
function next(state: bigint): bigint {
  let z = (state + 0x9e37_79b9_7f4a_7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK;
  return z ^ (z >> 31n);
}

function dice(...values: readonly (number | string)[]): Dice {
  const made = new Dice();
  made.start();
  for (const value of values) {
    if (typeof value === 'string') made.stirText(value);
    else made.stir(value);
  }
  return made;
}

test('numbers of 64 bits as two words do what bigints do', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat(), { maxLength: 6 }), (values) => {
      const state = values.reduce((now, value) => next(now ^ BigInt(value)), 0n);
      const thrown = dice(...values);
      expect(thrown.toString()).toBe(state.toString(16).padStart(16, '0'));
      expect(thrown.unit()).toBe(Number(next(state) >> 11n) / 2 ** 53);
      expect(thrown.word()).toBe(Number(next(next(state)) >> 32n));
    }),
  );
});

describe('golden values: another program can compute them', () => {
  test.each([
    [[], '0000000000000000'],
    [[0], 'e220a8397b1dcdaf'],
    [['7'], 'b89cce279e7f3f80'],
    [['7', 'r1'], '7ca07764cba7acef'],
    [['7', 'r1', 1, 2048, 1], '6485a3025b2160a0'],
    [['7', 'r1', 1, 2 ** 53 - 1, 2], '61c0e1350984b227'],
    [['', 'journal-läßt', 3, 0, 1], '23cbb1de66b2f4f8'],
  ] as const)('%j', (values, state) => {
    expect(dice(...values).toString()).toBe(state);
  });
});

describe('docs/fault-dice.md', () => {
  const page = readFileSync(new URL('../../docs/fault-dice.md', import.meta.url), 'utf8');
  const rows = page.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

  test('its program throws what the daemon does', async () => {
    const [, program = ''] = /```js\n(.*?)```/s.exec(page) ?? [];
    const module = `data:text/javascript,${encodeURIComponent(program)}`;
    const { thrown } = (await import(/* @vite-ignore */ module)) as {
      thrown: (seed: string, rule: string, ...numbers: readonly number[]) => bigint;
    }; // the page is what is judged
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.array(fc.maxSafeNat(), fixed(3)),
        (seed, rule, at) => {
          const state = thrown(seed, rule, ...at)
            .toString(16)
            .padStart(16, '0');
          expect(dice(seed, rule, ...at).toString()).toBe(state);
        },
      ),
    );
  });

  const throws = rows.filter(([, , , , , state]) => /^`[0-9a-f]{16}`$/.test(state ?? ''));

  test.each(throws)('the throw of %s, %s, %s, %s, %s is %s', (seed, rule, ...more) => {
    const [operation, sector, occurrence, state] = more;
    const thrown = dice(seed ?? '', rule ?? '', ...[operation, sector, occurrence].map(Number));
    expect(`\`${thrown}\``).toBe(state);
  });

  test('it has throws, and the number of each operation', () => {
    expect(throws.length).toBeGreaterThan(3);
    const numbers = rows
      .filter((row) => row.length === 6)
      .flatMap(([a, b, c, d, e, f]) => [
        [a, b],
        [c, d],
        [e, f],
      ])
      .map(([name = '', number]) => [name.replaceAll('`', ''), Number(number)] as const)
      .filter(([name]) => name in operations);
    expect(Object.fromEntries(numbers)).toEqual(operations);
  });
});

function fixed(length: number): fc.ArrayConstraints {
  return { minLength: length, maxLength: length };
}

test('a copy goes on by itself', () => {
  const first = dice(1);
  const second = new Dice();
  second.copy(first);
  const drawn = [second.below(1000), second.below(1000)];
  expect([first.below(1000), first.below(1000)]).toEqual(drawn);
});

test('throws are even: each of 16 sides within 5 standard deviations', () => {
  const counts = Array.from({ length: 16 }, () => 0);
  const n = 1 << 16;
  for (let sector = 0; sector < n; sector++) {
    const side = dice('seed', 'rule', 1, sector, 1).below(16);
    counts[side] = (counts[side] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - n / 16)).toBeLessThan(5 * Math.sqrt(n / 16));
});
