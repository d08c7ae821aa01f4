/** Slots of clients that have gone are given back, but for a few. */

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { start } from '../cli/program.ts';
import { WireClient } from '../wire/wire-client.ts';

const CLIENTS = 100;
const LENGTH = 512 * 1024;

function rssMiB(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

test('memory of many clients goes back when they have gone', async () => {
  const started = start('-U', '-', 'memory_backed=1', 'size=8', '--threads', '2', '--no-control');
  const ready = await started.ready();
  const path = decodeURIComponent(/socket=([^\s]+)/.exec(ready)?.[1] ?? '');
  const meet = async (): Promise<WireClient[]> => {
    const clients: WireClient[] = [];
    for (let n = 0; n < CLIENTS; n++) {
      const client = await WireClient.simple(path);
      // A request that begins inside a block goes through both rings, and fills them.
      const request = { command: Command.WRITE, offset: 1, length: LENGTH };
      expect((await client.request(request, Buffer.alloc(LENGTH, 1))).error).toBe(0);
      expect((await client.readData(1, LENGTH)).length).toBe(LENGTH);
      clients.push(client);
    }
    return clients;
  };
  const clients = await meet();
  const most = rssMiB(started.child.pid);
  for (const client of clients) client.socket.destroy();
  // Each had 1 MiB in its rings; those of 2 times 16 are kept.
  while (rssMiB(started.child.pid) >= most - 50) await pause(100);
  // And whoever comes then is served.
  for (const client of await meet()) client.socket.destroy();
});
