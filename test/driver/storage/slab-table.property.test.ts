import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlabTable } from '../../../src/driver/storage/slab-table.ts';
import { Slab } from '../../../src/pages/slab.ts';
import { testRuns } from '../../test-runs.ts';

const EXTENTS = 2 ** 36;
/** Places where a level begins or ends, and numbers that do not fit 32 bits. */
const corners = [
  0,
  1023,
  1024,
  2 ** 20 - 1,
  2 ** 20,
  2 ** 31 - 1,
  2 ** 32,
  2 ** 35 + 1,
  EXTENTS - 1,
];
const index = fc
  .tuple(fc.constantFrom(...corners), fc.integer({ min: -3, max: 3 }))
  .map(([corner, by]) => Math.min(Math.max(corner + by, 0), EXTENTS - 1));
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), index }),
  fc.record({ kind: fc.constant('delete' as const), index }),
  fc.record({ kind: fc.constant('next' as const), index, end: index }),
  fc.record({ kind: fc.constant('takeLeaves' as const), index, end: index }),
);
const slabs = Array.from({ length: 8 }, () => new Slab());

test('the table is a map from extent numbers to slabs, with a search in order', () => {
  const run = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const table = new SlabTable(EXTENTS);
    const model = new Map<number, Slab>();
    const search = (from: number, end: number): number =>
      Math.min(...[...model.keys()].filter((key) => key >= from && key < end), Infinity);
    steps.forEach((each, at) => {
      const slab = slabs[at % slabs.length];
      if (each.kind === 'set' && slab !== undefined) {
        table.set(each.index, slab);
        model.set(each.index, slab);
      } else if (each.kind === 'delete') {
        table.delete(each.index);
        model.delete(each.index);
      } else if (each.kind === 'next') {
        const found = search(each.index, each.end);
        expect(table.next(each.index, each.end)).toBe(found === Infinity ? -1 : found);
      } else if (each.kind === 'takeLeaves') {
        const [from, end] = [Math.ceil(each.index / 1024), Math.floor(each.end / 1024)];
        const inside = [...model.keys()]
          .filter((key) => key >= from * 1024 && key < end * 1024)
          .toSorted((a, b) => a - b);
        const taken = table.takeLeaves(each.index, each.end).flat();
        expect(taken.filter((one) => one !== undefined)).toEqual(
          inside.map((key) => model.get(key)),
        );
        for (const key of inside) model.delete(key);
      }
      expect(table.size).toBe(model.size);
      expect(table.get(each.index)).toBe(model.get(each.index));
    });
    const found: number[] = [];
    for (let i = table.next(0, EXTENTS); i >= 0; i = table.next(i + 1, EXTENTS)) found.push(i);
    expect(found).toEqual([...model.keys()].sort((a, b) => a - b));
    for (const key of found) expect(table.get(key)).toBe(model.get(key));
  });
  fc.assert(run, { numRuns: testRuns(200) });
});
