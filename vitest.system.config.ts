import { defineConfig } from 'vitest/config';

// Tests of the built program against foreign programs, limits of the kernel and the documents: one file at a
// time, since the machine's cores belong to the server and its client; the verbose reporter shows each
// program's result.
export default defineConfig({
  test: {
    include: ['test/system/**/*.test.ts'],
    globalSetup: ['./test/run-folder.ts', './test/system/debians-setup.ts'],
    fileParallelism: false,
    reporters: ['verbose'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
