/** How often tests repeat what is different each time: TNULL_TEST_RUNS=10 has them do it ten times as often,
 *  TNULL_TEST_RUNS=0.3 less often, and has long tables be sampled. */

const factor = Number(process.env['TNULL_TEST_RUNS'] ?? 1);
if (!(factor > 0)) throw new Error('TNULL_TEST_RUNS: must be a number above 0');

/** How often to do what `npm test` does `count` times; at least once. */
export function testRuns(count: number): number {
  return Math.max(Math.round(count * factor), 1);
}

/** What to try of a long table, whose rows are alike: all, or less where TNULL_TEST_RUNS is below 1. Then rows are
 *  left out evenly, never the first or the last. */
export function testRows<Row>(rows: readonly Row[]): readonly Row[] {
  if (factor >= 1 || rows.length < 3) return rows;
  const count = Math.max(Math.round(rows.length * factor), 2);
  const places = Array.from({ length: count }, (_, n) =>
    Math.round((n * (rows.length - 1)) / (count - 1)),
  );
  return rows.filter((_, place) => places.includes(place));
}
