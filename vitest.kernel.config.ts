import { defineConfig } from 'vitest/config';

// Inside user-mode Linux (test/kernel/recipes.sh): one after the other, since they share /dev/nbd0.
export default defineConfig({
  test: {
    include: ['test/kernel/**/*.kernel.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
