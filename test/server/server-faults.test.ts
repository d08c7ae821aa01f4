/** Ends of connections that no client caused are told apart from those that a client caused. */

import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { tellEnd } from '../../src/server/client-watch.ts';
import { SocketStream } from '../../src/server/receive.ts';
import { ServerFaultCounts, socketFault } from '../../src/server/server-faults.ts';

/** What the stream of an accepted socket says of its end, with `place` for what comes. */
async function endOf(place: Uint8Array, act: (client: net.Socket) => void): Promise<unknown[]> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(server, 'connection');
  const client = net.connect({ port: address.port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = await accepted;
  if (!(socket instanceof net.Socket)) throw new Error('no socket');
  const end = await new Promise<unknown[]>((resolve) => {
    const stream = new SocketStream(socket, {
      target: () => place,
      received: () => true,
      ended: () => stream.end(),
      written: () => {},
      closed: (...how) => resolve(how),
    });
    stream.resume();
    act(client);
  });
  client.destroy();
  server.close();
  return end;
}

test('a place without room for what comes is ours', async () => {
  const end = await endOf(new Uint8Array(0), (client) => client.write('x'));
  expect(end).toEqual(['read ENOBUFS', 'socket']);
});

test('a client that resets, or goes, is not', async () => {
  const reset = await endOf(new Uint8Array(9), (client) => client.resetAndDestroy());
  expect(reset).toEqual(['read ECONNRESET', undefined]);
  expect(await endOf(new Uint8Array(9), (client) => client.end('x'))).toEqual([
    undefined,
    undefined,
  ]);
});

test.each(['EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ECONNABORTED'])('%s is the way to it', (code) => {
  expect(socketFault(Object.assign(new Error(code), { code }))).toBeUndefined();
});

test.each(['ENOBUFS', 'EBADF', 'EFAULT', 'ENOMEM'])('%s is ours', (code) => {
  expect(socketFault(Object.assign(new Error(code), { code }))).toBe('socket');
});

test('ours are counted and logged as errors; others are neither', () => {
  const serverFaults = new ServerFaultCounts();
  const said: [string, object][] = [];
  const say = (level: string) => (facts: object) => void said.push([level, facts]);
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const end = { connection: 3, cutOff: undefined, reason: undefined, fault: undefined };
  const lacks: string[] = [];
  const acceptFaults = { noDescriptor: (reason: string) => void lacks.push(reason) };
  const to = { log, serverFaults, acceptFaults };
  tellEnd(to, end);
  tellEnd(to, { ...end, cutOff: 'wrong magic' });
  expect([...serverFaults.total().values()]).toEqual([0, 0, 0, 0]);
  tellEnd(to, { ...end, reason: 'read ENOBUFS', fault: 'socket' });
  expect(said).toEqual([
    ['debug', { connection: 3, reason: 'client' }],
    ['warn', { connection: 3, reason: 'wrong magic' }],
    ['error', { connection: 3, reason: 'read ENOBUFS', fault: 'socket' }],
  ]);
  expect(serverFaults.total().get('socket')).toBe(1);
  // Told of once in a burst, by another: all who come then meet it.
  tellEnd(to, { ...end, reason: 'EMFILE', fault: 'descriptors' });
  expect([said.length, lacks]).toEqual([3, ['EMFILE']]);
  expect(serverFaults.total().get('descriptors')).toBe(1);
});
