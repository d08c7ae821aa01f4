// @vates/nbd-client under test: a server of one's own in place of a program on a fixed port that has to be
// waited for and killed, and a rule in place of a fake server that goes away in the middle of a read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NbdTcpClient } from '@vates/nbd-client';
import { startDevice } from 'tnull';

const BLOCK = 64 * 1024;

async function served(t, faults = []) {
  const listen = 'nbd://127.0.0.1:0'; // any free port
  const disk = await startDevice({ listen, size: 1, memory_backed: true, faults });
  t.after(() => disk.stop());
  await disk.setData(Buffer.alloc(1 << 20, 7));
  const place = { address: '127.0.0.1', port: Number(disk.env.port), exportname: disk.name };
  const client = new NbdTcpClient(place, { waitBeforeReconnect: 50 });
  await client.connect();
  return { disk, client };
}

test('it reads a block', async (t) => {
  const { client } = await served(t);
  assert.deepEqual(await client.readBlock(3, BLOCK), Buffer.alloc(BLOCK, 7));
  await client.disconnect();
});

test('it goes on behind a server that goes away before its reply', async (t) => {
  const { disk, client } = await served(t, [{ op: 'read', nth: 1, wire: 'close' }]);
  assert.deepEqual(await client.readBlock(3, BLOCK), Buffer.alloc(BLOCK, 7));
  const { rules } = await disk.faults.list();
  assert.equal(rules[0].struck, 1);
  await client.disconnect();
});
