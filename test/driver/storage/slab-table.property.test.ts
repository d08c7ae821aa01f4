import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Leaf, SlabTable } from '../../../src/driver/storage/slab-table.ts';
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
  fc.record({ kind: fc.constant('fork' as const), index }),
  fc.record({ kind: fc.constant('other' as const), index }),
);
const slabs = Array.from({ length: 8 }, () => new Slab());

interface Twin {
  readonly table: SlabTable;
  readonly model: Map<number, Slab>;
}

test('a table is a map from extent numbers to slabs, with a search in order, and so is each fork', () => {
  const run = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    let twin: Twin = { table: new SlabTable(EXTENTS), model: new Map() };
    const twins = [twin];
    steps.forEach((each, at) => {
      const { table, model } = twin;
      const slab = slabs[at % slabs.length];
      if (each.kind === 'set' && slab !== undefined) {
        table.own(each.index);
        table.set(each.index, slab);
        model.set(each.index, slab);
      } else if (each.kind === 'delete') {
        table.own(each.index);
        table.delete(each.index);
        model.delete(each.index);
      } else if (each.kind === 'next') {
        const found = searched(model, each.index, each.end);
        expect(table.next(each.index, each.end)).toBe(found === Infinity ? -1 : found);
      } else if (each.kind === 'takeLeaves') {
        takeLeaves(twin, each.index, each.end);
      } else if (each.kind === 'fork' && twins.length < 4) {
        twins.push({ table: table.fork(), model: new Map(model) });
      } else {
        twin = twins[at % twins.length] ?? twin;
      }
      expect(twin.table.get(each.index)).toBe(twin.model.get(each.index));
    });
    for (const { table, model } of twins) {
      expect(table.size).toBe(model.size);
      const found: number[] = [];
      for (let i = table.next(0, EXTENTS); i >= 0; i = table.next(i + 1, EXTENTS)) found.push(i);
      expect(found).toEqual([...model.keys()].sort((a, b) => a - b));
      for (const key of found) expect(table.get(key)).toBe(model.get(key));
    }
  });
  fc.assert(run, { numRuns: testRuns(200) });
});

function searched(model: Map<number, Slab>, from: number, end: number): number {
  return Math.min(...[...model.keys()].filter((key) => key >= from && key < end), Infinity);
}

function takeLeaves({ table, model }: Twin, index: number, indexEnd: number): void {
  const [from, end] = [Math.ceil(index / 1024), Math.floor(indexEnd / 1024)];
  const inside = [...model.keys()]
    .filter((key) => key >= from * 1024 && key < end * 1024)
    .toSorted((a, b) => a - b);
  const leaves: Leaf[] = [];
  table.takeLeaves(index, indexEnd, leaves);
  const taken = leaves.flatMap(({ entries }) => entries);
  expect(taken.filter((one) => one !== undefined)).toEqual(inside.map((key) => model.get(key)));
  for (const key of inside) model.delete(key);
}

test('what several tables have is changed by none of them', () => {
  const table = new SlabTable(EXTENTS);
  table.set(7, new Slab());
  table.fork();
  expect(() => table.set(7, new Slab())).toThrow('several tables');
  expect(() => table.delete(7)).toThrow('several tables');
  expect(table.own(7)).toBe(2);
  expect(table.own(7)).toBe(0);
  expect(table.delete(7)).toBe(2);
});
