/** libnbd's nbdfuse shows an export as a file, which any program reads and writes. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

describeEachDebian(({ nbdsh, run, start }) => {
  test('nbdfuse: what is written to its file is in the device, to the byte, and the other way', async () => {
    const tnull = await startTnull(['--memory-backed', 'size_bytes=16777300', 'cache_size=1']);
    const folder = join(tnull.folder, 'mounted');
    const path = join(folder, 'disk');
    mkdirSync(folder);
    // Fails with the package's name where it is missing; with none of the errors of a mount.
    await run('fusermount3', '--version');
    await run('nbdfuse', '--version');
    const data = randomBytes(1 << 20);
    const nbdfuse = start('nbdfuse', [path, tnull.uri], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    try {
      while (!existsSync(path)) {
        expect(nbdfuse.exitCode, 'nbdfuse runs').toBe(null);
        await sleep(20);
      }
      const file = openSync(path, 'r+');
      writeSync(file, data, 0, data.length, 16_777_300 - data.length);
      fsyncSync(file);
      await nbdsh(tnull.uri, "h.pwrite(b'abc', 4095)");
      const back = Buffer.alloc(data.length);
      expect(readSync(file, back, 0, back.length, 16_777_300 - data.length)).toBe(back.length);
      expect(back.equals(data)).toBe(true);
      expect(readSync(file, back, 0, 3, 4095)).toBe(3);
      expect(back.toString('latin1', 0, 3)).toBe('abc');
      closeSync(file);
    } finally {
      const gone = once(nbdfuse, 'exit');
      await run('fusermount3', '-u', folder);
      await gone;
    }
    const last = await nbdsh(tnull.uri, 'print(h.pread(4, 16777296).hex())');
    expect(last.trim()).toBe(data.subarray(-4).toString('hex'));
    expect(await tnull.stop()).toBe(0);
  });
});
