/** How much of what has no end a run of the tests does: TNULL_TEST_RUNS=20 does 20 times as much. */

const factor = Number(process.env['TNULL_TEST_RUNS'] ?? 1);
if (!(factor > 0)) throw new Error('TNULL_TEST_RUNS: must be a number above 0');

/** How often to do what is done `count` times in `npm test`: at least once. */
export function runs(count: number): number {
  return Math.max(Math.round(count * factor), 1);
}
