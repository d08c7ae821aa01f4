/** The one place that knows how Node keeps a pipe that carries handles, on every version that we
 *  support. Both ends are in this thread: neither can tell. */

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Giver, Rendezvous, takeSockets } from '../../src/threads/hand-over.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';

type Taken = (id: number, socket: net.Socket | undefined) => void;

async function joined(taken: Taken): Promise<{ giver: Giver; taker: net.Socket }> {
  const rendezvous = await Rendezvous.open();
  const taker = takeSockets(rendezvous.path, taken);
  const giver = await rendezvous.met();
  rendezvous.close();
  onTestFinished(() => {
    giver.close();
    taker.destroy();
  });
  return { giver, taker };
}

/** @returns how to connect to a server that hands each client to `accepted`. */
async function listening(
  kind: string,
  accepted: (socket: net.Socket) => void,
): Promise<() => net.Socket> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, accepted);
  server.listen(kind === 'unix' ? { path: join(folder(), 's') } : { port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (typeof address === 'string') return () => net.connect({ path: address });
  return () => net.connect({ port: address?.port ?? 0, host: '127.0.0.1' });
}

test.each(['unix', 'tcp'])('each socket comes with its number, and lives (%s)', async (kind) => {
  const numbers: number[] = [];
  const { giver } = await joined((id, socket) => {
    numbers.push(id);
    socket?.end(`you are ${id}`);
    socket?.resume();
  });
  let next = 0;
  const connect = await listening(kind, (socket) => {
    giver.give(socket, next++, (reason) => numbers.push(-1, Number(reason)));
  });
  const answers = Array.from({ length: 100 }, async () => {
    const client = connect();
    let text = '';
    client.on('data', (data) => {
      text += data;
    });
    await once(client, 'close');
    return text;
  });
  const texts = await Promise.all(answers);
  expect(new Set(texts).size).toBe(100);
  expect(texts.every((text) => /^you are \d+$/.test(text))).toBe(true);
  expect(numbers).toEqual(Array.from({ length: 100 }, (_, id) => id));
});

test('what the client has sent before is there; half closes and addresses are as ever', async () => {
  const taken: net.Socket[] = [];
  const { giver } = await joined((_, socket) => socket && taken.push(socket));
  const accepted: net.Socket[] = [];
  const connect = await listening('tcp', (socket) => accepted.push(socket));
  const client = connect();
  client.end('early');
  await until(() => accepted.length === 1);
  const [first] = accepted;
  if (first !== undefined) giver.give(first, 7, () => {});
  await until(() => taken.length === 1);
  const [socket] = taken;
  expect(socket?.remoteAddress).toBe('127.0.0.1');
  let text = '';
  socket?.on('data', (data) => {
    text += data;
  });
  socket?.once('end', () => socket.end('and you?'));
  socket?.resume();
  const [answer] = await once(client, 'data');
  expect([text, String(answer)]).toEqual(['early', 'and you?']);
});

test('a client that has gone hurts nobody', async () => {
  let taken = 0;
  const { giver } = await joined((_, socket) => {
    taken++;
    socket?.destroy();
  });
  let next = 0;
  const connect = await listening('tcp', (socket) => {
    if (next % 2 === 0) socket.destroy(); // it has no handle any more
    giver.give(socket, next++, (reason) => expect(reason).toBe('the client has gone'));
  });
  for (let n = 0; n < 10; n++)
    connect().once('connect', function (this: net.Socket) {
      this.resetAndDestroy();
    });
  await until(() => taken === 5);
});

test('no descriptor is left', async () => {
  const before = readdirSync('/proc/self/fd').length;
  let gone = 0;
  const rendezvous = await Rendezvous.open();
  const taker = takeSockets(rendezvous.path, (_, socket) => {
    socket?.on('close', () => gone++);
    socket?.destroy();
  });
  const giver = await rendezvous.met();
  rendezvous.close();
  const connect = await listening('unix', (socket) => giver.give(socket, 1, () => {}));
  for (let n = 0; n < 50; n++) connect().on('error', () => {});
  await until(() => gone === 50);
  giver.close();
  taker.destroy();
  await once(taker, 'close');
  // The listener of this test is still there.
  await until(() => readdirSync('/proc/self/fd').length <= before + 1);
});

test('without the other end each is told that its socket was not taken', async () => {
  const { giver, taker } = await joined(() => {});
  taker.destroy();
  await once(taker, 'close');
  const reasons: string[] = [];
  const connect = await listening('unix', (socket) => {
    giver.give(socket, 1, (reason) => reasons.push(reason));
  });
  const clients = [connect(), connect()];
  await Promise.all(clients.map((client) => once(client.resume(), 'close')));
  await until(() => reasons.length === 2);
});
