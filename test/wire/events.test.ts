/** Clients that come and go, and errors, as events: with one thread and with two. page.md section 4. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import type { ServerEvent } from '../../src/client/index.ts';
import { connect } from '../../src/client/index.ts';
import { listenTo } from '../control/event-client.ts';
import { until } from '../until.ts';
import { serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

describe.each([1, 2])('--threads %i', (threads) => {
  test('a client comes, gets errors, and goes', async () => {
    const served = await serveControlled({ threads }, 'memory_backed=1', 'size=1');
    const control = await connect({ socket: served.control });
    const end = new AbortController();
    const heard: ServerEvent[] = [];
    const listening = (async () => {
      for await (const event of control.events({
        device: 'nullb0',
        after: 0,
        signal: end.signal,
      })) {
        heard.push(event);
      }
    })();
    const of = async <T extends ServerEvent['type']>(type: T, count = 1) => {
      const ours = () =>
        heard.filter((event): event is Extract<ServerEvent, { type: T }> => event.type === type);
      await until(() => ours().length >= count);
      return ours();
    };
    await of('power');
    await served.set('nullb0', { badblocks: '+8-8' });
    const client = await WireClient.simple(served.path, 'nullb0');
    const fields = { command: Command.READ, offset: 4096, length: 4096 };
    expect((await client.request(fields)).error).toBe(5);
    expect((await client.request({ ...fields, offset: 2 ** 20 })).error).toBe(22);
    expect((await client.request({ ...fields, offset: 0 })).error).toBe(0);
    const [came] = await of('connected');
    expect(came).toMatchObject({
      device: 'nullb0',
      client: 1,
      from: 'unix',
      replies: 'simple',
      contexts: [],
      tls: false,
    });
    expect(await of('error', 2)).toMatchObject([
      {
        ...{ device: 'nullb0', client: 1, op: 'read', offset: 4096, bytes: 4096 },
        ...{ errno: 'EIO', reason: 'badblocks: sector 8 is bad' },
      },
      {
        ...{ client: 1, op: 'read', offset: 2 ** 20, errno: 'EINVAL' },
        reason: 'the range ends beyond the end of the export',
      },
    ]);
    client.send(Buffer.alloc(28, 0xff));
    expect(await of('disconnected')).toMatchObject([
      {
        ...{ client: 1, connection: came?.connection, cutOff: true },
        reason: 'bytes that are not a request (wrong magic)',
      },
    ]);
    const other = await WireClient.simple(served.path, 'nullb0');
    other.socket.destroy();
    expect((await of('disconnected', 2))[1]).toMatchObject({ client: 2, cutOff: false });
    // Who asks later gets the errors that are kept.
    const kept: string[] = [];
    for await (const event of control.events({ after: 0 })) {
      if (event.type === 'error') kept.push(event.errno);
      if (event.type === 'disconnected' && event.client === 2) break;
    }
    expect(kept).toEqual(['EIO', 'EINVAL']);
    end.abort();
    await listening;
    await expect(control.events({ device: 'none' }).next()).rejects.toMatchObject({
      errno: 'ENOENT',
    });
  });

  test('a listener that does not read holds up nobody, and learns what it has lost', async () => {
    const served = await serveControlled({ threads }, 'memory_backed=1', 'size=1');
    const rule = { op: 'read', error: 'EIO' };
    await served.ask('POST', '/v1/devices/nullb0/faults/rules', { json: rule });
    const listener = await listenTo(served.control, '?device=nullb0');
    await until(() => listener.comments.length > 0);
    listener.pause();
    const client = await WireClient.simple(served.path, 'nullb0');
    const requests = Buffer.concat(
      Array.from({ length: 1000 }, () => requestBytes({ command: Command.READ, length: 512 })),
    );
    // Each is a strike and an error.
    for (let n = 0; n < 10; n++) {
      client.send(requests);
      await client.read(16 * 1000);
    }
    listener.resume();
    const total = (): number => {
      const events = listener.heard.filter(({ type }) => type === 'fault' || type === 'error');
      const lost = listener.heard.filter(({ type }) => type === 'lost');
      return lost.reduce((sum, { data }) => sum + Number(data['count']), events.length);
    };
    // What was lost may be told only with the next event; one is the client's coming.
    await until(() => total() >= 20_000);
    expect(total()).toBeLessThanOrEqual(20_001);
    expect(listener.heard.some(({ type }) => type === 'lost')).toBe(true);
    // Numbers are missing exactly where it was told so.
    let next = listener.heard[0]?.id ?? 0;
    for (const { id, data } of listener.heard) {
      if (id === undefined) next += Number(data['count']);
      else expect(id).toBe(next++);
    }
  });
});
