/** Many clients at once, and clients that never read or never end: others are served. control.md section 3;
 *  limits.ts. */

import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/control/limits.ts';
import { until, untilClosed } from '../until.ts';
import { serve } from './served.ts';

const DEVICE = '/v1/devices/nullb0';

/** Connects, says `text`, and reads nothing. */
async function mute(path: string, text = ''): Promise<net.Socket> {
  const socket = net.connect({ path });
  socket.pause().on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`;

test('1000 requests at once are all answered', async () => {
  const { ask } = await serve();
  await ask('PUT', DEVICE, { json: { power: 1 } });
  const urls = [DEVICE, `${DEVICE}/stats`, '/metrics', `${DEVICE}/attributes/power`];
  const all = Array.from({ length: 1000 }, (_, n) => ask('GET', urls[n % urls.length] ?? ''));
  expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([200]));
});

test('1000 operations on one device at once: each ends, with an errno or none', async () => {
  const { ask, tree } = await serve();
  const works = [
    () => ask('PUT', DEVICE, { json: { power: 1, zoned: 1, size: 8, zone_size: 1 } }),
    () => ask('PATCH', DEVICE, { json: { power: 0 } }),
    () => ask('PATCH', DEVICE, { json: { size: 16 } }),
    () => ask('POST', `${DEVICE}/flush`),
    () => ask('POST', `${DEVICE}/zones/open?sector=0`),
    () => ask('GET', `${DEVICE}/zones`),
    () => ask('PATCH', DEVICE, { json: { power: 1 } }),
    () => ask('DELETE', DEVICE),
    () => ask('GET', DEVICE),
  ];
  const all = Array.from({ length: 1000 }, (_, n) => works[(n * 5 + (n % 7)) % works.length]?.());
  const ends = (await Promise.all(all)).map((end) => `${end?.status}`);
  expect(ends.filter((status) => !/^(200|201|204|400|404|405|409|422)$/.test(status))).toEqual([]);
  expect(new Set(ends).size).toBeGreaterThan(4);
  await ask('DELETE', DEVICE);
  expect(tree.names()).toEqual([]);
});

test('1000 requests in one write are answered in order', async () => {
  const { path } = await serve();
  const socket = await mute(path, get('/v1').repeat(1000));
  let text = '';
  socket.on('data', (data) => (text += data)).resume();
  await until(() => text.split('HTTP/1.1 200').length > 1000);
});

test('beyond the limit the connection that has been idle longest is closed', async () => {
  const { path, ask } = await serve();
  const first = await mute(path);
  const second = await mute(path);
  await Promise.all(Array.from({ length: limits.connections.max - 2 }, () => mute(path)));
  const closed = untilClosed(first.resume());
  expect((await ask('GET', '/v1')).status).toBe(200);
  await closed;
  let text = '';
  second.on('data', (data) => (text += data)).resume();
  second.write(get('/v1'));
  await until(() => text.includes('"tnull"'));
});

test('with a request under way in each of them, another one is told so', async () => {
  const { path, ask, tree } = await serve();
  const lines = [`PUT ${DEVICE} HTTP/1.1`, 'Host: x', 'Content-Type: application/json'];
  const half = `${[...lines, 'Content-Length: 2', 'Expect: 100-continue'].join('\r\n')}\r\n\r\n`;
  const under = Array.from({ length: limits.connections.max }, async () => {
    const socket = await mute(path, half);
    await once(socket.resume(), 'data'); // its request has come
    return socket;
  });
  const [first, ...others] = await Promise.all(under);
  expect(await ask('GET', '/v1')).toMatchObject({
    status: 503,
    json: { errno: 'EBUSY', message: 'more than 1024 connections: try again' },
  });
  first?.write('{}');
  await until(() => tree.names().length > 0);
  for (const one of others) one.destroy();
  while ((await ask('GET', '/v1')).status !== 200);
});

describe('a client that never reads', () => {
  test('costs what sockets hold, and no report is made for it', async () => {
    const { ask, path, device } = await serve();
    const json = { zoned: 1, size: 100_000, zone_size: 1, power: 1 };
    await ask('PUT', DEVICE, { json });
    const { zones } = device();
    const info = vi.spyOn(zones ?? expect.unreachable(), 'info');
    await mute(path, get(`${DEVICE}/zones`));
    let before = -1;
    // As long as more is made.
    await vi.waitUntil(
      () => {
        const stands = info.mock.calls.length > 0 && info.mock.calls.length === before;
        before = info.mock.calls.length;
        return stands;
      },
      { interval: 50, timeout: 250_000 },
    );
    expect(before).toBeLessThan(20_000);
    // Nobody waits for it.
    expect((await ask('GET', `${DEVICE}/zones?from=0&count=1`)).status).toBe(200);
    expect((await ask('PATCH', DEVICE, { json: { power: 0 } })).status).toBe(200);
    expect((await ask('DELETE', DEVICE)).status).toBe(204);
  });

  test('is let go at the end', async () => {
    const { ask, path, control } = await serve();
    const json = { zoned: 1, size: 100_000, zone_size: 1, power: 1 };
    await ask('PUT', DEVICE, { json });
    const socket = await mute(path, get(`${DEVICE}/zones`));
    const closed = untilClosed(socket);
    await control.close();
    socket.resume();
    await closed;
  });
});
