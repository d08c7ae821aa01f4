/** Data in flight of all clients together: beyond the limit sockets are not read, nothing fails, and
 *  nobody starves. nbd-protocol.md section 7; parameter --max-in-flight-total. */

import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { MiB } from '../../src/units.ts';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { FormClient } from './form-client.ts';
import { serveWithin } from './served.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE } = Command;
const SLOW = ['size=64', 'irqmode=2', 'hw_queue_depth=1024'];
/** Two thirds for whoever comes first, a third in even shares. */
const LIMIT = { inFlightTotal: 24 * MiB };

function clients(path: string, count: number): Promise<WireClient[]> {
  return Promise.all(Array.from({ length: count }, () => WireClient.simple(path)));
}

const readMiB = requestBytes({ command: READ, length: MiB });
const writeMiB = Buffer.concat([
  requestBytes({ command: WRITE, length: MiB }),
  Buffer.alloc(MiB, 1),
]);

/** Sends, now and then more, until it is told to stop. @returns how many replies it had. */
function greedy(client: WireClient, depth: number): { replies: () => number; stop: () => void } {
  let [replies, going] = [0, true];
  for (let n = 0; n < depth; n++) client.send(readMiB);
  const run = async (): Promise<void> => {
    while (going) {
      const reply = await client.reply(MiB);
      if (reply.error !== 0) throw new Error(`a read failed: ${reply.error}`);
      replies++;
      client.send(readMiB);
    }
  };
  run().catch(() => {}); // it ends with the server, and a failed read shows by its silence
  return { replies: () => replies, stop: () => (going = false) };
}

/** How many requests are in flight, once they are `count`. */
async function inFlight({ stats }: Controlled, count: number): Promise<number> {
  for (;;) {
    const { inUse } = (await stats('nullb0')).tags;
    if (inUse >= count) return inUse;
  }
}

test('many clients: no more than the limit at once, and every request is answered', async () => {
  const served = await serveControlled(LIMIT, ...SLOW, 'completion_nsec=700000000');
  const all = await clients(served.path, 24);
  // Of the even shares nobody can ask for a MiB, so it is two thirds of the limit that are used.
  const work = all.map(async (client, at) => {
    for (let n = 0; n < 2; n++) client.send(at % 2 === 0 ? readMiB : writeMiB);
    for (let n = 0; n < 2; n++) {
      expect((await client.reply(at % 2 === 0 ? MiB : 0)).error).toBe(0);
    }
  });
  for (let look = 0; look < 5; look++) expect(await inFlight(served, 16)).toBe(16);
  await Promise.all(work);
});

test('without a limit they are all in flight at once', async () => {
  const served = await serveControlled({ inFlightTotal: 0 }, ...SLOW, 'completion_nsec=1500000000');
  const all = await clients(served.path, 24);
  for (const client of all) client.send(readMiB, readMiB);
  expect(await inFlight(served, 48)).toBe(48);
  for (const client of all) expect((await client.reply(MiB)).error).toBe(0);
});

test('clients that ask for more and more hold up nobody for long', async () => {
  const { path } = await serveWithin(LIMIT, ...SLOW, 'completion_nsec=20000000');
  const others = (await clients(path, 8)).map((client) => greedy(client, 16));
  await until(() => others.every(({ replies }) => replies() > 0));
  const [one] = await clients(path, 1);
  if (one === undefined) throw new Error('no client');
  const before = others.map(({ replies }) => replies());
  for (let n = 0; n < 10; n++) {
    one.send(n % 2 === 0 ? readMiB : writeMiB);
    expect((await one.reply(n % 2 === 0 ? MiB : 0)).error).toBe(0);
  }
  const meanwhile = others.map(({ replies }, at) => replies() - (before[at] ?? 0));
  // In turn: nobody had many times what it had, nor nothing.
  for (const count of meanwhile) {
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(10 * 16);
  }
  for (const { stop } of others) stop();
});

test('payloads that stop in the middle keep others from nothing but more than their share', async () => {
  const { path } = await serveWithin({ ...LIMIT, stallTime: 0 }, 'size=64', 'memory_backed=1');
  const stalled = await clients(path, 40);
  for (const client of stalled) client.send(writeMiB.subarray(0, MiB / 2));
  const [one, two] = await clients(path, 2);
  if (one === undefined || two === undefined) throw new Error('no clients');
  const data = Buffer.alloc(100_000, 5);
  for (let round = 0; round < 20; round++) {
    const write = { command: WRITE, offset: 4096, length: data.length };
    expect((await one.request(write, data)).error).toBe(0);
    expect((await one.readData(4096, data.length)).equals(data)).toBe(true);
  }
  // One more is too much, and waits for the others to go or to go on.
  two.send(writeMiB);
  expect((await one.request({ command: READ, length: 512 })).error).toBe(0);
  expect(two.waiting).toBe(0);
  for (const client of stalled.slice(0, 20)) client.send(writeMiB.subarray(MiB / 2));
  for (const client of stalled.slice(20)) client.reset();
  expect((await two.reply()).error).toBe(0);
  for (const client of stalled.slice(0, 20)) expect((await client.reply()).error).toBe(0);
  expect((await two.readData(0, MiB)).equals(Buffer.alloc(MiB, 1))).toBe(true);
});

test('a client that takes no replies keeps others from nothing', async () => {
  const { path } = await serveWithin(LIMIT, 'size=64', 'memory_backed=1');
  const deaf = await clients(path, 20);
  for (const client of deaf) {
    client.socket.pause();
    for (let n = 0; n < 8; n++) client.send(readMiB);
  }
  const [one] = await clients(path, 1);
  for (let round = 0; round < 50; round++) {
    expect((await one?.readData(round * 4096, 65_536))?.length).toBe(65_536);
  }
});

test('a read that is all holes is over once its reply is sent', async () => {
  const served = await serveControlled('memory_backed=1', 'size=4');
  const client = await FormClient.open(served.path, { form: 'structured' });
  for (let n = 0; n < 3; n++) {
    const reply = await client.ask({ command: READ, offset: 0, length: MiB });
    expect(reply.holeBytes).toBe(MiB);
    expect((await served.stats('nullb0')).tags.inUse).toBe(0);
  }
  client.wire.reset();
});
