/** Power off under load: whichever thread has a client, its connection ends, and no request is refused
 *  that the client could send again to the device that is there next. */

import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { serveControlled } from '../wire/controlled.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';

const { READ, WRITE } = Command;
const BLOCK = 4096;
const CLIENTS = 6;
const DEPTH = 16;

interface Loaded {
  /** Replies that came whole. */
  answered: number;
  /** NBD errors among them. */
  readonly errors: number[];
}

/** Keeps requests in flight until the server ends the connection. */
async function load(client: WireClient, seen: Loaded): Promise<void> {
  let n = 0;
  const ask = (): void => {
    const fields = { command: n % 2 === 0 ? WRITE : READ, offset: (n % 64) * BLOCK, length: BLOCK };
    const bytes = requestBytes({ ...fields, cookie: BigInt(n++) });
    client.send(bytes, ...(fields.command === WRITE ? [Buffer.alloc(BLOCK, n)] : []));
  };
  for (let at = 0; at < DEPTH; at++) ask();
  for (;;) {
    const header = await client.read(20).catch(() => undefined);
    if (header === undefined) return;
    const data = await client.read(header.readUInt32BE(16));
    if (header.readUInt16BE(6) >= 0x8000) seen.errors.push(data.readUInt32BE(0));
    seen.answered++;
    ask();
  }
}

test.each([1, 2])(
  'with %i threads power off ends connections without an error',
  async (threads) => {
    const served = await serveControlled({ threads }, 'size=4', 'memory_backed=1');
    const errors: number[] = [];
    for (let round = 0; round < 20; round++) {
      const seen: Loaded = { answered: 0, errors };
      const connecting = Array.from({ length: CLIENTS }, () => WireClient.structured(served.path));
      const clients = await Promise.all(connecting);
      const loads = clients.map((client) => load(client, seen));
      // They are under way, and where there are threads most are lent to them.
      while (seen.answered < 200 + round) await new Promise((later) => setImmediate(later));
      await served.set('nullb0', { power: 0 });
      await Promise.all(loads);
      await served.set('nullb0', { power: 1 });
    }
    expect(errors).toEqual([]);
  },
  60_000,
);
