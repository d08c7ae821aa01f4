import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

/** They take long, although they are small files: begun last, each would run alone at the end. */
const long = [
  'test/cli/again.test.ts',
  'test/driver/device.property.test.ts',
  'test/sim/canary.test.ts',
  'test/sim/sim.test.ts',
  'test/wire/held-replies.test.ts',
];

/** Vitest's order, the largest files first, behind those that take long. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const [first, others]: [TestSpecification[], TestSpecification[]] = [[], []];
    for (const file of await super.sort(files)) {
      (long.some((name) => file.moduleId.endsWith(name)) ? first : others).push(file);
    }
    return [...first, ...others];
  }
}

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
    sequence: { sequencer: LongFirst },
    // Each waits for processes and timers a third of its time.
    maxWorkers: availableParallelism() + 1,
    reporters: ['default', './test/tidy/shown-reporter.ts'],
  },
});
