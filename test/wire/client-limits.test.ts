/** The limits on clients, on real sockets: each is kept, nobody else is hurt, and a refusal is said
 *  once. nbd-protocol.md section 7. */

import net from 'node:net';
import { Command, encodeOption, NbdError, Option } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { MiB } from '../../src/units.ts';
import { inStillTime } from '../still-time.ts';
import { testThreads } from '../threads-of-tests.ts';
import { until } from '../until.ts';
import { serveControlled } from './controlled.ts';
import { type LogLine, serve, serveWithin, WARN } from './served.ts';
import { clientFlags, requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE } = Command;

/** The daemon looks so often at who is idle or stalls. */
const LOOK_MS = 125;

interface Logs {
  readonly log: readonly LogLine[];
}

function warnings({ log }: Logs): string[] {
  return log.filter(({ level }) => level >= WARN).map(({ msg, reason }) => reason ?? msg);
}

/** What is said to the operator, once so much is: a thread's lines may come after the end of its clients. */
async function said(served: Logs, lines = 1): Promise<string[]> {
  await until(() => warnings(served).length >= lines);
  return warnings(served);
}

test('--max-connections: further clients find the door closed, and those inside go on', async () => {
  const served = await serveWithin({ connections: 3 }, 'size=4');
  const inside = await Promise.all([1, 2, 3].map(() => WireClient.simple(served.path)));
  for (let n = 0; n < 50; n++) {
    const refused = await WireClient.connect(n % 2 === 0 ? served.path : served.port);
    expect((await refused.end()).length).toBe(0);
  }
  for (const client of inside) expect((await client.readData(0, 512)).length).toBe(512);
  expect(await said(served)).toEqual(['a client was turned away: --max-connections']);
  inside[0]?.reset();
  await until(() => served.log.some(({ msg }) => msg === 'disconnected'));
  const next = await WireClient.simple(served.port);
  expect((await next.readData(0, 512)).length).toBe(512);
});

test('--max-connections-per-address counts TCP clients, not unix ones', async () => {
  const served = await serveWithin({ connectionsPerAddress: 2 }, 'size=4');
  await Promise.all([1, 2].map(() => WireClient.simple(served.port)));
  const refused = await WireClient.connect(served.port);
  expect((await refused.end()).length).toBe(0);
  const unix = await Promise.all([1, 2, 3].map(() => WireClient.simple(served.path)));
  for (const client of unix) expect((await client.readData(0, 512)).length).toBe(512);
  expect(await said(served)).toEqual(['a client was turned away: --max-connections-per-address']);
});

test('--handshake-timeout', async () => {
  await inStillTime(async (pass) => {
    const served = await serveWithin({ handshakeTime: 1 }, 'size=4');
    const agreed = await WireClient.simple(served.path);
    const client = await WireClient.connect(served.path);
    await client.read(18);
    pass(999);
    expect(warnings(served)).toEqual([]);
    pass(1);
    await client.end();
    expect(await said(served)).toEqual(['no agreement within the time for it']);
    expect((await agreed.readData(0, 512)).length).toBe(512);
  });
});

test('--idle-timeout: who sends nothing is cut off, who is served is not', async () => {
  await inStillTime(async (pass) => {
    const served = await serveControlled({ idleTime: 1 }, 'size=4');
    const rules = [{ op: 'read', hang: 'on' }];
    await served.ask('PUT', '/v1/devices/nullb0/faults', { json: { rules } });
    const idle = await WireClient.simple(served.path);
    const waiting = await WireClient.simple(served.path);
    waiting.send(requestBytes({ command: READ, length: 512, cookie: 4n }));
    await until(async () => (await served.stats('nullb0')).tags.inUse === 1);
    await until(() => {
      pass(LOOK_MS);
      return idle.closed;
    });
    expect(await said(served)).toEqual(['idle for 1 s (--idle-timeout)']);
    await served.ask('POST', '/v1/devices/nullb0/faults/release');
    expect(await waiting.reply(512)).toMatchObject({ cookie: 4n, error: 0 });
  });
});

test('--stall-timeout: who stops in the middle of a request is cut off, and nobody else', async () => {
  await inStillTime(async (pass) => {
    const served = await serveWithin({ stallTime: 1 }, 'size=4', 'memory_backed=1');
    const idle = await WireClient.simple(served.path);
    const halves = {
      header: requestBytes({ command: READ, length: 512 }).subarray(0, 27),
      shortPayload: requestBytes({ command: WRITE, length: 512 }),
      longPayload: Buffer.concat([
        requestBytes({ command: WRITE, length: MiB }),
        Buffer.alloc(100_000),
      ]),
      refusedPayload: requestBytes({ command: WRITE, offset: 4 * MiB, length: MiB }),
    };
    const stopped = await Promise.all(
      Object.values(halves).map(async (bytes) => {
        const client = await WireClient.simple(served.path);
        client.send(bytes);
        return client;
      }),
    );
    await until(() => {
      pass(LOOK_MS);
      return stopped.every(({ closed }) => closed);
    });
    expect(await said(served, stopped.length)).toEqual(
      stopped.map(() => 'stopped in the middle for 1 s (--stall-timeout)'),
    );
    expect((await idle.readData(0, 512)).length).toBe(512);
  });
});

/** A client that asks for 32 MiB and reads only when told to. */
async function asking(path: string): Promise<net.Socket> {
  const socket = net.connect({ path });
  socket.on('error', () => {});
  socket.pause();
  socket.write(Buffer.concat([clientFlags(), encodeOption(Option.EXPORT_NAME, new Uint8Array(0))]));
  socket.write(requestBytes({ command: READ, length: 32 * MiB }));
  return socket;
}

test('--stall-timeout: a client that takes no reply is cut off, a slow one is not', async () => {
  const served = await serveWithin({ stallTime: 1 }, 'size=64', 'memory_backed=1');
  const stuck = await asking(served.path);
  const slow = await asking(served.path);
  let taken = 0;
  // A piece now and then, for longer than the limit.
  const sip = setInterval(() => {
    taken += slow.read(65_536)?.length ?? 0;
  }, 50);
  await until(() => warnings(served).length > 0);
  const begin = performance.now();
  await until(() => performance.now() - begin > 1500);
  clearInterval(sip);
  expect(await said(served)).toEqual(['stopped in the middle for 1 s (--stall-timeout)']);
  slow.on('data', (data) => (taken += data.length));
  slow.resume();
  await until(() => taken >= 32 * MiB);
  stuck.destroy();
  slow.destroy();
});

test('--stall-timeout: a client that says goodbye and never closes is let go', async () => {
  await inStillTime(async (pass) => {
    const served = await serveWithin({ stallTime: 1 }, 'size=4');
    const socket = net.connect({ path: served.path, allowHalfOpen: true });
    const client = WireClient.over(socket);
    client.send(clientFlags(), encodeOption(Option.EXPORT_NAME, new Uint8Array(0)));
    await client.read(28);
    client.send(requestBytes({ command: Command.DISC }));
    await until(() => {
      pass(LOOK_MS);
      return served.log.some(({ msg }) => msg === 'disconnected');
    });
    socket.destroy();
  });
});

test('--max-payload is what is announced and refused, and the connection goes on', async () => {
  const { path } = await serveWithin({ payload: MiB }, 'size=4', 'memory_backed=1');
  const client = await WireClient.simple(path);
  const long = { command: WRITE, length: MiB + 1 };
  expect((await client.request(long, Buffer.alloc(MiB + 1))).error).toBe(NbdError.EINVAL);
  const read = await client.request({ command: READ, length: MiB + 1 });
  expect(read.error).toBe(NbdError.EOVERFLOW);
  expect((await client.request({ command: WRITE, length: MiB }, Buffer.alloc(MiB, 7))).error).toBe(
    0,
  );
  expect((await client.readData(0, MiB)).every((byte) => byte === 7)).toBe(true);
});

test('--max-in-flight: no further request is taken until some have ended', async () => {
  const words = ['size=64', 'irqmode=2', 'completion_nsec=50000000', 'hw_queue_depth=1024'];
  const { path } = await serveWithin({ inFlight: MiB }, ...words);
  const client = await WireClient.simple(path);
  const reads = Array.from({ length: 4 }, (_, n) =>
    requestBytes({ command: READ, length: MiB, cookie: BigInt(n) }),
  );
  const begin = performance.now();
  client.send(...reads);
  for (let n = 0; n < 4; n++) expect((await client.reply(MiB)).error).toBe(0);
  expect(performance.now() - begin).toBeGreaterThan(4 * 50);
});

test('by default a quiet client stays for ever', async () => {
  await inStillTime(async (pass) => {
    const served = await serve('size=4');
    const client = await WireClient.simple(served.path);
    expect((await client.readData(0, 512)).length).toBe(512);
    // Time leaps: so each thread must be done with its reply, which it is once it has served another.
    for (let n = 0; n < testThreads; n++) await WireClient.simple(served.path);
    // The longest time that can be asked for, and some.
    pass(86_400_000 + 60_000);
    expect((await client.readData(0, 512)).length).toBe(512);
  });
});
