/** Titles that must be there: those that docs/rnull-series.md names, and one for each trap of the protocol.
 *  That the tests pass is shown-reporter.ts's to say. */

import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { collected } from './collected.ts';
import { documentRows, unshown } from './rows.ts';
import { RAW_BYTES, TRAPS, unshownTraps } from './traps.ts';

const rows = documentRows();
let titles: ReturnType<typeof collected>;

// Once for both: it takes seconds.
beforeAll(() => {
  const named = rows.flatMap(({ tests }) => tests.map(({ file }) => file));
  const wire = readdirSync(new URL(`../../${RAW_BYTES}`, import.meta.url))
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => RAW_BYTES + file);
  titles = collected([...new Set([...named, ...wire])]);
});

test('every title that a row names is that of a test which is not skipped', () => {
  expect(rows.flatMap((row) => unshown(row, (file) => titles.get(file)))).toEqual([]);
});

test('each of the 34 traps has a test of raw bytes', () => {
  expect(TRAPS).toBe(34);
  const raw = [...titles].filter(([file]) => file.startsWith(RAW_BYTES));
  expect(unshownTraps(new Map(raw))).toEqual([]);
});
