/** Titles that must be there: those that docs/rnull-series.md names, and one for each mistake of nbd-protocol.md section 7.
 *  That the tests pass is shown-reporter.ts's to say. */

import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { collected } from './collected.ts';
import { RAW_BYTES, unshownMistakes } from './mistakes.ts';
import { documentRows, unshown } from './rows.ts';

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

test('each mistake of nbd-protocol.md section 7 has a test of raw bytes', () => {
  const raw = [...titles].filter(([file]) => file.startsWith(RAW_BYTES));
  expect(unshownMistakes(new Map(raw))).toEqual([]);
});
