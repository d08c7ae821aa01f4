/** How often tests repeat what is different each time: TNULL_TEST_RUNS=10 has them do it ten times as often. */

const factor = Number(process.env['TNULL_TEST_RUNS'] ?? 1);
if (!(factor > 0)) throw new Error('TNULL_TEST_RUNS: must be a number above 0');

/** How often to do what `npm test` does `count` times; at least once. */
export function testRuns(count: number): number {
  return Math.max(Math.round(count * factor), 1);
}
