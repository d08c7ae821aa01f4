import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeList } from '../../src/driver/range-list.ts';
import { testRuns } from '../test-runs.ts';

const SECTORS = 200;
const range = fc
  .tuple(fc.nat(SECTORS - 1), fc.oneof(fc.nat(3), fc.nat(60)))
  .map(([first, more]) => ({ first, last: Math.min(first + more, SECTORS - 1) }));
const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'remove', 'removeAt', 'fork', 'swap'),
  range,
});

/** One boolean for each sector. */
class Model {
  has: boolean[] = new Array<boolean>(SECTORS).fill(false);

  fork(): Model {
    const copy = new Model();
    copy.has = [...this.has];
    return copy;
  }

  removeAt(sector: number): string {
    if (!this.has[sector]) return 'none';
    let [first, last] = [sector, sector];
    while (this.has[first - 1]) first--;
    while (this.has[last + 1]) last++;
    this.has.fill(false, first, last + 1);
    return `${first}-${last}`;
  }

  runs(of: boolean, first: number, last: number): string[] {
    const runs: string[] = [];
    for (let at = first; at <= last; at++) {
      const start = at;
      while (at <= last && this.has[at] === of) at++;
      if (at > start) runs.push(`${start}-${at - 1}`);
    }
    return runs;
  }
}

const shown = (base: bigint, ranges: Iterable<readonly [bigint, bigint]>): string[] =>
  Array.from(ranges, ([first, last]) => `${first - base}-${last - base}`);

// The largest numbers are rounded as doubles, most of them to the same one.
const bases = [0n, 2n ** 31n - 30n, 2n ** 53n - 100n, 2n ** 60n, 2n ** 64n - BigInt(SECTORS)];

test('a list in chunks, and forks of it, do what a boolean for each sector does', () => {
  const run = fc.property(
    fc.constantFrom(...bases),
    fc.integer({ min: 2, max: 6 }),
    fc.array(step, { maxLength: 80 }),
    (base, chunkMax, steps) => {
      let [list, model] = [new RangeList(chunkMax), new Model()];
      let [other, otherModel] = [list.fork(), model.fork()];
      for (const { kind, range } of steps) {
        const [first, last] = [base + BigInt(range.first), base + BigInt(range.last)];
        if (kind === 'fork') [other, otherModel] = [list.fork(), model.fork()];
        if (kind === 'swap') {
          [list, other] = [other, list];
          [model, otherModel] = [otherModel, model];
        }
        if (kind === 'add') {
          list.add(first, last);
          model.has.fill(true, range.first, range.last + 1);
        }
        if (kind === 'remove') {
          list.remove(first, last);
          model.has.fill(false, range.first, range.last + 1);
        }
        if (kind === 'removeAt' && last < 2n ** 53n) {
          const gone = list.removeAt(Number(first));
          expect(gone === undefined ? 'none' : shown(base, [gone])[0]).toBe(
            model.removeAt(range.first),
          );
        }
        for (const [is, was] of [
          [list, model],
          [other, otherModel],
        ] as const) {
          const runs = was.runs(true, 0, SECTORS - 1);
          expect(shown(base, is)).toEqual(runs);
          expect(is.count).toBe(runs.length);
        }
        const gaps = model.runs(false, range.first, range.last);
        expect(shown(base, list.gaps(first, last))).toEqual(gaps);
        if (last < 2n ** 53n) {
          const found = model.has.indexOf(true, range.first);
          const want = found < 0 || found > range.last ? -1 : found + Number(base);
          expect(list.firstIn(Number(first), range.last - range.first + 1)).toBe(want);
        }
      }
    },
  );
  fc.assert(run, { numRuns: testRuns(300) });
});

test('a change moves no more than a chunk, and a fork copies none', () => {
  const list = new RangeList();
  for (let at = 0n; at < 100_000n; at += 2n) list.add(at, at);
  expect(list.count).toBe(50_000);
  const fork = list.fork();
  // Every other one goes from the fork alone.
  for (let at = 0n; at < 100_000n; at += 4n) fork.remove(at, at);
  expect([list.count, fork.count]).toEqual([50_000, 25_000]);
  expect([list.firstIn(0, 1), fork.firstIn(0, 2), fork.firstIn(0, 4)]).toEqual([0, -1, 2]);
  // What covers all of it goes with one change.
  fork.add(1n, 99_999n);
  expect([...fork]).toEqual([[1n, 99_999n]]);
});
