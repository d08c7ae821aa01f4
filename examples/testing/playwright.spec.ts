/** Playwright: one server for each worker, one disk for each test. */

import { execFileSync } from 'node:child_process';
import { test as base, expect } from '@playwright/test';
import { type Device, type Server, startServer } from 'tnull';

const test = base.extend<{ disk: Device }, { server: Server }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to see what is used
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  disk: async ({ server }, use) => {
    const disk = await server.create('disk', { size: 64, memory_backed: true });
    await use(disk);
    await disk.remove({ force: true });
  },
});

test('the size is what was asked for', ({ disk }) => {
  expect(execFileSync('nbdinfo', ['--size', disk.uri]).toString()).toBe(`${64 << 20}\n`);
});

test('a disk that hangs is released', async ({ disk }) => {
  await disk.faults.add({ op: 'read', hang: 'on' });
  expect(await disk.faults.release()).toBe(0);
});
