/** Memory is touched by reading zeros into it. */

import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ZeroReader } from '../../src/daemon/zero-reader.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';

function touched(reader: ZeroReader, region: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    reader.touch(region, resolve);
  });
}

const isLinux = process.platform === 'linux';

function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // the folder's own
    }
  });
}

test.runIf(isLinux)('the region is written to, and nothing beside it', async () => {
  const reader = new ZeroReader();
  const bytes = Buffer.alloc(3 * 4096, 7);
  expect(await touched(reader, bytes.subarray(4096, 8192))).toBe(true);
  const expected = Buffer.concat([
    Buffer.alloc(4096, 7),
    Buffer.alloc(4096),
    Buffer.alloc(4096, 7),
  ]);
  expect(bytes.equals(expected)).toBe(true);
  reader.close();
});

test('without a file of zeros nothing is touched', async () => {
  const empty = join(folder(), 'empty');
  writeFileSync(empty, '');
  for (const path of ['/there/is/none', folder(), empty]) {
    const reader = new ZeroReader(path);
    expect(await touched(reader, new Uint8Array(4096))).toBe(false);
    reader.close();
  }
});

test.runIf(isLinux)('it is closed once the read that is under way has ended', async () => {
  const path = join(folder(), 'zeros');
  writeFileSync(path, Buffer.alloc(4096));
  const reader = new ZeroReader(path);
  const first = touched(reader, new Uint8Array(4096));
  expect(isOpen(path)).toBe(true);
  reader.close();
  reader.close();
  expect(await first).toBe(true);
  await until(() => !isOpen(path));
  expect(await touched(reader, new Uint8Array(4096))).toBe(false);
  expect(isOpen(path)).toBe(false);
});
