import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Tests run against the sources, in debug mode: every moved-from handle throws. The second reporter
// fails a whole run in which a test that docs/rnull-series.md names, or one of a trap, did not pass.
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
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    exclude: ['test/system/**', '**/node_modules/**'],
    globalSetup: './test/run-folder.ts',
    env: { TNULL_DEBUG: '1' },
    testTimeout: 20_000,
    // Files share a process and what it has loaded: loading anew for each takes a quarter of the time.
    isolate: false,
    maxWorkers: availableParallelism(),
    reporters: ['default', './test/tidy/shown-reporter.ts'],
  },
});
