import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Tests run against the sources, in debug mode: every moved-from handle throws. The second reporter
// fails a whole run in which a test that docs/rnull-series.md names, or one of a mistake of nbd-protocol.md, did not pass.
const all = ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'];
/** What else a run leaves out, between blanks: vitest's own flag does not reach its projects. */
const leftOut = process.env['TNULL_TEST_LEAVE_OUT']?.split(' ') ?? [];
const never = ['test/system/**', '**/node_modules/**', ...leftOut];
/** They measure memory of their process, move its timers, or put modules of their own in place of Node's. */
export const alone = [
  'packages/nbd-server-protocol-ts/test/reply-decoder.test.ts',
  'packages/nbd-server-protocol-ts/test/request.test.ts',
  'test/daemon/journal-files.test.ts',
  'test/driver/allocation.test.ts',
  'test/driver/zones/allocation.test.ts',
  'test/driver/storage/page-store.test.ts',
  'test/export/judgement.test.ts',
  'test/wire/client-limits.test.ts',
];

export default defineConfig({
  resolve: {
    alias: {
      'nbd-server-protocol-ts': new URL(
        './packages/nbd-server-protocol-ts/src/index.ts',
        import.meta.url,
      ).pathname,
    },
  },
  test: {
    globalSetup: './test/run-folder.ts',
    // Buffers come and go all the time: V8's helper threads take a fifth of the processor time of it, and there
    // is no core that is idle.
    execArgv: ['--single-threaded-gc'],
    env: { TNULL_DEBUG: '1' },
    // Ends what hangs, and nothing else: on a busy machine anything may take its time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      // Files share a process and what it has loaded: loading anew for each takes a quarter of the time.
      {
        extends: true,
        test: { name: 'shared', include: all, exclude: [...never, ...alone], isolate: false },
      },
      { extends: true, test: { name: 'alone', include: alone, exclude: never } },
    ],
    // Each waits for processes and timers a third of its time.
    maxWorkers: availableParallelism() + 1,
    reporters: ['default', './test/tidy/shown-reporter.ts'],
  },
});
