/** How many threads for sockets the tests' daemons have: TNULL_TEST_THREADS=2 npm test. */

export const testThreads = Number(process.env['TNULL_TEST_THREADS'] ?? 1);
/** The same as words of a command line. */
export const testThreadFlags: readonly string[] =
  testThreads === 1 ? [] : ['--threads', String(testThreads)];
