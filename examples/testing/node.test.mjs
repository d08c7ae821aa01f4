// node:test: the server is started once, each test makes its own disk.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from 'tnull';

const run = promisify(execFile);
let server;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

test('a read fails at the bad sector, and nowhere else', async (t) => {
  const disk = await server.create('disk', { size: 1, memory_backed: 1 });
  t.after(() => disk.remove({ force: true }));
  await disk.setData(Buffer.alloc(1 << 20, 7));
  await disk.set({ badblocks: '+1024-1031' });
  await run('qemu-io', ['-f', 'raw', '-c', 'read 0 512k', disk.uri]);
  const bad = run('qemu-io', ['-f', 'raw', '-c', 'read 512k 4k', disk.uri]);
  await assert.rejects(bad, { stdout: /read failed: Input\/output error/ });
});
