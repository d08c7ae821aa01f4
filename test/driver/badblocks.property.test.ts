import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChanges } from '../../src/config/badblocks-text.ts';
import { BadBlocks } from '../../src/driver/badblocks.ts';
import { testRuns } from '../test-runs.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

const SECTORS = 64;
const range = fc
  .tuple(fc.nat(SECTORS - 1), fc.nat(12))
  .map(([first, more]) => ({ first, last: Math.min(first + more, SECTORS - 1) }));
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('bad', 'bad', 'good'), range }),
  fc.record({ kind: fc.constant('clear'), range }),
  fc.record({ kind: fc.constant('check'), range }),
);

/** One boolean for each sector. */
class Model {
  readonly bad = new Array<boolean>(SECTORS).fill(false);

  set(first: number, last: number, bad: boolean): void {
    this.bad.fill(bad, first, last + 1);
  }

  clearRangeAt(sector: number): void {
    if (!this.bad[sector]) return;
    for (let i = sector; this.bad[i]; i++) this.bad[i] = false;
    for (let i = sector - 1; this.bad[i]; i--) this.bad[i] = false;
  }

  firstBad(first: number, last: number): number {
    return this.bad.findIndex((bad, at) => bad && at >= first && at <= last);
  }

  text(base: number): string {
    let text = '';
    for (let i = 0; i < SECTORS; i++) {
      const start = i;
      while (this.bad[i]) i++;
      if (i > start) text += `${base + start} ${i - start}\n`;
    }
    return text;
  }
}

test('a list of ranges does what a boolean for each sector does', () => {
  const run = fc.property(
    fc.constantFrom(0, 2 ** 31 - 30, 2 ** 44 - SECTORS),
    fc.array(step, { maxLength: 60 }),
    (base, steps) => {
      const list = new BadBlocks();
      const model = new Model();
      for (const { kind, range } of steps) {
        const { first, last } = range;
        if (kind === 'check') {
          const found = model.firstBad(first, last);
          const want = found < 0 ? -1 : base + found;
          expect(list.firstBad(base + first, last - first + 1)).toBe(want);
        } else if (kind === 'clear') {
          list.clearRangeAt(base + first);
          model.clearRangeAt(first);
        } else {
          writeBadBlocks(list, `${kind === 'bad' ? '+' : '-'}${base + first}-${base + last}`);
          model.set(first, last, kind === 'bad');
        }
        expect(list.text()).toBe(model.text(base));
        expect(list.count).toBe(list.text().split('\n').length - 1);
      }
    },
  );
  fc.assert(run, { numRuns: testRuns(300) });
});

const lines = fc.array(fc.tuple(fc.constantFrom('+', '-'), range), { minLength: 1, maxLength: 60 });

test('what requests clear while a write is prepared comes before the write, and none is lost', () => {
  const clears = fc.array(fc.tuple(fc.nat(70), fc.nat(SECTORS - 1)), { maxLength: 12 });
  const seen = { cleared: 0, kept: 0 };
  const run = fc.property(lines, lines, clears, fc.boolean(), (before, written, all, wanted) => {
    const list = new BadBlocks();
    const model = new Model();
    const text = (from: readonly [string, { first: number; last: number }][]): string =>
      from.map(([sign, { first, last }]) => `${sign}${first}-${last}`).join('\n');
    writeBadBlocks(list, text(before));
    for (const [sign, { first, last }] of before) model.set(first, last, sign === '+');
    const work = list.prepare([...parseChanges(text(written))]);
    let swap: (() => () => void) | undefined;
    for (let step = 0; step <= 70; step++) {
      for (const [when, sector] of all) {
        if (when !== step) continue;
        if (model.bad[sector]) seen.cleared++;
        list.clearRangeAt(sector);
        model.clearRangeAt(sector);
        expect(list.text()).toBe(model.text(0));
      }
      const next = swap === undefined ? work.next() : undefined;
      if (next?.done) swap = next.value;
    }
    if (swap === undefined) throw new Error('more pieces than lines');
    if (!wanted) {
      list.abandon();
      expect(list.text()).toBe(model.text(0));
      return;
    }
    const undo = swap();
    const old = model.text(0);
    for (const [sign, { first, last }] of written) model.set(first, last, sign === '+');
    expect(list.text()).toBe(model.text(0));
    seen.kept++;
    undo();
    expect(list.text()).toBe(old);
  });
  fc.assert(run, { numRuns: testRuns(300) });
  expect(seen.cleared).toBeGreaterThan(50);
  expect(seen.kept).toBeGreaterThan(50);
});
