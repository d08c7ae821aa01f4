/** vitest: a disk for each test that asks for one. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ServedDevice, startDevice } from 'tnull';
import { test as base, expect } from 'vitest';

const run = promisify(execFile);

const test = base.extend<{ disk: ServedDevice }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to see what is used
  disk: async ({}, use) => {
    const disk = await startDevice({ size: 64, memory_backed: true });
    await use(disk);
    await disk.stop();
  },
});

test('a copy fails when the disk is full', async ({ disk }) => {
  await disk.faults.add({ op: 'write', error: 'ENOSPC' });
  const copy = run('nbdcopy', [import.meta.filename, disk.uri]);
  await expect(copy).rejects.toThrow('No space left on device');
});

test('a copy asks for a flush behind its last write', async ({ disk }) => {
  await disk.set({ log: 1000 }); // the last 1000 commands
  await run('nbdcopy', ['--flush', import.meta.filename, disk.uri]);
  const commands = await disk.log({ op: 'write,flush' });
  expect(commands.map(({ op }) => op)).toContain('write');
  expect(commands.at(-1)).toMatchObject({ op: 'flush', status: 'ok' });
});
