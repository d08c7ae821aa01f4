import { defineConfig } from 'vitest/config';

// The recordings of the real null_blk, replayed on the built program. Scenarios run side by side, each
// on a device of its own; more at a time would only wait for the machine's two cores.
export default defineConfig({
  test: {
    include: ['test/oracle/**/*.oracle.ts', 'test/oracle/**/*.test.ts'],
    fileParallelism: false,
    maxConcurrency: 8,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
