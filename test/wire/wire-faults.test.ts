/** Connections that misbehave because a rule says so: what the client meets, byte by byte.
 *  Source: faults.md section 3. */

import { once } from 'node:events';
import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/server/limits.ts';
import { inStillTime } from '../still-time.ts';
import { testRows } from '../test-runs.ts';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE, FLUSH } = Command;
const LENGTH = 4096;
const REPLY = 16;

async function ruled(...rules: readonly object[]): Promise<Controlled> {
  const served = await serveControlled('size=16', 'memory_backed=1');
  const client = await WireClient.simple(served.path);
  await client.request({ command: WRITE, offset: 0, length: LENGTH }, Buffer.alloc(LENGTH, 7));
  client.reset();
  const { status } = await served.ask('PUT', '/v1/devices/nullb0/faults', { json: { rules } });
  expect(status).toBe(200);
  return served;
}

async function released({ ask }: Controlled): Promise<unknown> {
  const { text } = await ask('POST', '/v1/devices/nullb0/faults/release');
  return JSON.parse(text);
}

/** What the first rule has struck, and holds. */
async function counts({ ask }: Controlled): Promise<{ struck: number; held: number }> {
  const { text } = await ask('GET', '/v1/devices/nullb0/faults');
  return JSON.parse(text).rules[0];
}

/** Sends a read of the block that holds sevens, cookie 5. */
function askToRead(client: WireClient, cookie = 5n): void {
  client.send(requestBytes({ command: READ, cookie, offset: 0, length: LENGTH }));
}

/** Flags, and EXPORT_NAME of the default export: its answer ends the handshake. */
const exportNameBytes = Buffer.concat([
  Buffer.from([0, 0, 0, 3]),
  Buffer.from('IHAVEOPT'),
  Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]),
]);

const good = Buffer.concat([
  Buffer.from('674466980000000000000000 00000005'.replace(' ', ''), 'hex'),
  Buffer.alloc(LENGTH, 7),
]);

describe('one connection', () => {
  test.each([
    ['reset', 0],
    ['close', 0],
    ['truncate:0', 0],
    ['truncate:7', 7],
    ['truncate:16', 16],
    ['truncate:1000', 1000],
    ['truncate:9999', REPLY + LENGTH],
  ])('%s: %i bytes of the reply, then the end; others go on', async (wire, bytes) => {
    const served = await ruled({ op: 'read', client: 2, wire });
    const [struck, other] = [
      await WireClient.simple(served.path),
      await WireClient.simple(served.path),
    ];
    askToRead(struck);
    expect((await struck.end()).equals(good.subarray(0, bytes))).toBe(true);
    expect((await other.readData(0, LENGTH)).equals(good.subarray(REPLY))).toBe(true);
  });

  test('reset over TCP is a RST', async () => {
    const served = await serveControlled('size=16', 'memory_backed=1');
    const rules = [{ op: 'read', wire: 'reset' }];
    await served.ask('PUT', '/v1/devices/nullb0/faults', { json: { rules } });
    const client = await WireClient.simple(served.port);
    const broken = once(client.socket, 'error');
    askToRead(client);
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  test('replies before the struck one are whole', async () => {
    const served = await ruled({ op: 'read', nth: 3, wire: 'truncate:20' });
    const client = await WireClient.simple(served.path);
    client.send(
      ...[1n, 2n, 5n, 6n].map((cookie) => requestBytes({ command: READ, cookie, length: LENGTH })),
    );
    const seen = await client.end();
    expect(seen.length).toBe(2 * (REPLY + LENGTH) + 20);
    expect(seen.subarray(-20).equals(good.subarray(0, 20))).toBe(true);
  });

  test.each([0, 9, 100])('stall:%i, until it is released', async (bytes) => {
    const served = await ruled({ op: 'read', nth: 1, wire: `stall:${bytes}` });
    const client = await WireClient.simple(served.path);
    askToRead(client);
    if (bytes > 0) expect((await client.peek(bytes)).length).toBe(bytes);
    askToRead(client, 6n);
    await until(async () => (await counts(served)).held === 1);
    expect(client.waiting).toBe(bytes);
    expect(await released(served)).toEqual({ released: 1 });
    expect((await client.read(good.length)).equals(good)).toBe(true);
    expect((await client.reply(LENGTH)).cookie).toBe(6n);
  });

  test('stall: not where its rule has gone before the bytes before it', async () => {
    const length = 4 << 20;
    const served = await ruled({ op: 'read', sectors: 8, wire: 'stall:0' });
    const client = await WireClient.simple(served.path);
    client.socket.pause();
    for (const offset of [LENGTH * 2, 0]) {
      client.send(requestBytes({ command: READ, cookie: BigInt(offset), offset, length }));
    }
    await until(async () => (await counts(served)).struck === 1);
    await served.ask('DELETE', '/v1/devices/nullb0/faults');
    client.socket.resume();
    for (const offset of [LENGTH * 2, 0]) {
      expect((await client.reply(length)).cookie).toBe(BigInt(offset));
    }
  });

  test('drip: in portions, and the next reply at once', async () => {
    const served = await ruled({ op: 'read', nth: 1, wire: 'drip:1000:1ms' });
    const client = await WireClient.simple(served.path);
    const portions: number[] = [];
    client.socket.on('data', ({ length }) => portions.push(length));
    askToRead(client);
    askToRead(client, 6n);
    expect((await client.read(good.length)).equals(good)).toBe(true);
    expect((await client.reply(LENGTH)).cookie).toBe(6n);
    // A busy machine may read two portions as one.
    expect((portions[0] ?? 0) % 1000).toBe(0);
  });

  test.each([512, LENGTH, 1 << 20])(
    'apply=none: %i bytes that were not read are zeroes',
    async (length) => {
      const served = await ruled({ op: 'read', nth: 1, wire: 'drip:100000:1us', apply: 'none' });
      const client = await WireClient.simple(served.path);
      expect((await client.readData(0, length)).equals(Buffer.alloc(length))).toBe(true);
      expect((await client.readData(0, LENGTH)).equals(good.subarray(REPLY))).toBe(true);
    },
  );

  test('cookie: one bit is another, and the right one never comes', async () => {
    const served = await ruled({ op: 'read', nth: 1, wire: 'cookie' });
    const client = await WireClient.simple(served.path);
    askToRead(client);
    const { cookie, error, data } = await client.reply(LENGTH);
    expect([error, data[0]]).toEqual([0, 7]);
    const bits = [...(cookie ^ 5n).toString(2)].filter((bit) => bit === '1');
    expect(bits).toHaveLength(1);
    expect((await client.readData(0, LENGTH))[0]).toBe(7);
    expect(client.waiting).toBe(0);
  });

  test('duplicate: the reply is sent twice', async () => {
    const served = await ruled({ op: 'read', nth: 1, wire: 'duplicate' });
    const client = await WireClient.simple(served.path);
    askToRead(client);
    for (let n = 0; n < 2; n++) expect((await client.read(good.length)).equals(good)).toBe(true);
    expect((await client.readData(0, LENGTH))[0]).toBe(7);
  });

  test('reorder:2: behind two later replies', async () => {
    const served = await ruled({ op: 'read', nth: 1, wire: 'reorder:2' });
    const client = await WireClient.simple(served.path);
    const all = [1n, 2n, 3n, 4n].map((cookie) =>
      requestBytes({ command: READ, cookie, length: 512 }),
    );
    client.send(...all);
    const cookies: bigint[] = [];
    for (const _ of all) cookies.push((await client.reply(512)).cookie);
    expect(cookies).toEqual([2n, 3n, 1n, 4n]);
  });

  test('reorder: when nothing else is in flight', async () => {
    const served = await ruled({ op: 'read', nth: 1, wire: 'reorder:9' });
    const client = await WireClient.simple(served.path);
    askToRead(client);
    expect((await client.read(good.length)).equals(good)).toBe(true);
  });

  test('garbage:9, the same for a seed', async () => {
    const garbage = async (): Promise<Buffer> => {
      const served = await ruled({ op: 'read', nth: 1, wire: 'garbage:9' });
      const client = await WireClient.simple(served.path);
      askToRead(client);
      const bytes = await client.read(9);
      expect((await client.read(good.length)).equals(good)).toBe(true);
      return bytes;
    };
    const one = await garbage();
    expect((await garbage()).equals(one)).toBe(true);
  });

  test('magic, and an error that nobody knows', async () => {
    const served = await ruled({ op: 'flush', wire: 'magic' }, { op: 'read', wire: 'error:12345' });
    const client = await WireClient.simple(served.path);
    expect(await client.request({ command: READ, length: LENGTH })).toMatchObject({ error: 12345 });
    client.send(requestBytes({ command: FLUSH }));
    expect((await client.read(REPLY)).readUInt32BE(0)).not.toBe(0x67446698);
  });

  test.each([
    ['all', 9],
    ['none', 0],
  ])('apply=%s: what was done', async (apply, byte) => {
    const served = await ruled({ op: 'write', client: 2, wire: 'reset', apply });
    const [client, other] = [
      await WireClient.simple(served.path),
      await WireClient.simple(served.path),
    ];
    client.send(requestBytes({ command: WRITE, offset: 8192, length: 512 }), Buffer.alloc(512, 9));
    await client.end();
    expect((await other.readData(8192, 512))[0]).toBe(byte);
  });

  test.each(['structured', 'simple'] as const)('%s replies of long reads', async (form) => {
    const served = await ruled({ op: 'read', nth: 1, wire: 'duplicate' });
    const client = await WireClient[form](served.path);
    const long = 1 << 20;
    const head = form === 'simple' ? REPLY : 28;
    client.send(requestBytes({ command: READ, length: long }));
    const [one, other] = [await client.read(head + long), await client.read(head + long)];
    expect(other.equals(one)).toBe(true);
    expect(one.subarray(head, head + LENGTH).equals(good.subarray(REPLY))).toBe(true);
  });
});

test('replies that are kept for later are memory of the daemon, until they are sent', async () => {
  const served = await ruled(
    { op: 'read', bytes: 1 << 20, wire: 'reorder:99' },
    { op: 'read', bytes: 512, hang: 'on' },
  );
  const usedBytes = async (): Promise<number> => {
    const { text } = await served.ask('GET', '/v1');
    return JSON.parse(text).memory.usedBytes;
  };
  const before = await usedBytes();
  const client = await WireClient.simple(served.path);
  client.send(requestBytes({ command: READ, cookie: 1n, length: 512 }));
  for (let n = 2n; n < 10n; n++)
    client.send(requestBytes({ command: READ, cookie: n, length: 1 << 20 }));
  await until(async () => (await usedBytes()) >= before + (8 << 20));
  expect(await released(served)).toEqual({ released: 1 });
  expect((await client.reply(512)).cookie).toBe(1n);
  for (let n = 2n; n < 10n; n++) expect((await client.reply(1 << 20)).cookie).toBe(n);
});

describe('a client that arrives', () => {
  test.each(['reset', 'close'])('%s: nothing is said', async (wire) => {
    const served = await ruled({ op: 'connect', nth: 2, wire });
    const first = await WireClient.simple(served.path);
    const second = await WireClient.connect(served.path);
    expect((await second.end()).length).toBe(0);
    expect((await first.readData(0, 512))[0]).toBe(7);
    expect((await (await WireClient.simple(served.path)).readData(0, 512))[0]).toBe(7);
  });

  test('stall:0, until it is released', async () => {
    const served = await ruled({ op: 'connect', nth: 1, wire: 'stall:0' });
    const client = await WireClient.connect(served.path);
    await until(async () => ((await released(served)) as { released: number }).released === 1);
    expect((await client.read(18)).toString('latin1', 0, 8)).toBe('NBDMAGIC');
  });

  test('delay, and the log tells of it', async () => {
    const served = await ruled({ op: 'connect', delay: '1ms', mark: 'came' });
    const client = await WireClient.connect(served.path);
    expect((await client.read(18)).length).toBe(18);
    const { text } = await served.ask('GET', '/v1/devices/nullb0/faults/log');
    expect(JSON.parse(text)).toMatchObject({
      op: 'connect',
      client: 1,
      detail: { delay: 1e6, mark: 'came' },
    });
  });

  test('error: every export is refused', async () => {
    const served = await ruled({ op: 'connect', nth: 1, error: 'EPERM' });
    await expect(WireClient.simple(served.path)).rejects.toThrow('closed');
    expect((await (await WireClient.simple(served.path)).readData(0, 512))[0]).toBe(7);
  });

  test.each(testRows(Array.from({ length: 28 }, (_, bytes) => bytes)))(
    'handshake truncate:%i',
    async (bytes) => {
      const served = await ruled({ op: 'handshake', nth: 1, wire: `truncate:${bytes}` });
      const client = await WireClient.connect(served.path);
      // A client that writes to an end that is gone would not read what came before.
      if (bytes <= 18) return expect((await client.end()).length).toBe(bytes);
      client.send(exportNameBytes);
      expect((await client.end()).length).toBe(bytes);
    },
  );

  test.each([0, 18, 27])(
    'handshake stall:%i: the time limit of handshakes is that of the client, too',
    async (bytes) => {
      await inStillTime(async (pass) => {
        const served = await ruled({ op: 'handshake', wire: `stall:${bytes}` });
        const client = await WireClient.connect(served.path);
        if (bytes === 27) client.send(exportNameBytes);
        await until(async () => (await counts(served)).held === 1);
        pass(limits.handshakeTime.max - 1);
        expect((await counts(served)).held).toBe(1);
        pass(1);
        expect((await client.end()).length).toBe(bytes);
      });
    },
  );

  test('handshake stall:28: behind its end there is no time limit', async () => {
    await inStillTime(async (pass) => {
      const served = await ruled({ op: 'handshake', nth: 1, wire: 'stall:28' });
      const client = await WireClient.connect(served.path);
      client.send(exportNameBytes);
      askToRead(client);
      await until(async () => (await counts(served)).held === 1);
      // Another one, that does not agree, meets its limit later than the first would.
      const other = await WireClient.connect(served.path);
      expect((await other.peek(18)).length).toBe(18);
      pass(limits.handshakeTime.max);
      expect((await other.end()).length).toBe(18);
      await released(served);
      expect((await client.read(28 + REPLY)).length).toBe(28 + REPLY);
    });
  });

  test('handshake stall:20, drip:5:1ms', async () => {
    const served = await ruled(
      { op: 'handshake', nth: 1, wire: 'stall:20' },
      { op: 'handshake', wire: 'drip:5:1ms' },
    );
    const first = WireClient.simple(served.path);
    await until(async () => ((await released(served)) as { released: number }).released === 1);
    expect((await (await first).readData(0, 512))[0]).toBe(7);
    const client = await WireClient.connect(served.path);
    const [portion] = await once(client.socket, 'data');
    expect(portion.length % 5).toBe(0); // a busy machine may read two as one
    expect((await client.read(18)).length).toBe(18);
  });
});

test('power off releases what stalls and what hangs', async () => {
  const served = await ruled({ op: 'read', wire: 'stall:3' }, { op: 'write', hang: 'on' });
  const [one, other] = [await WireClient.simple(served.path), await WireClient.simple(served.path)];
  askToRead(one);
  other.send(requestBytes({ command: WRITE, offset: 8192, length: 512 }), Buffer.alloc(512, 9));
  await one.peek(3);
  await served.set('nullb0', { power: 0 });
  expect((await one.end()).equals(good)).toBe(true);
  expect((await other.end()).readUInt32BE(4)).toBe(0);
});

test('several replies of a connection that stall all go on when power goes off', async () => {
  const served = await ruled({ op: 'read', wire: 'stall:3' });
  const client = await WireClient.simple(served.path);
  for (let reads = 0; reads < 5; reads++) askToRead(client);
  await client.peek(3);
  await served.set('nullb0', { power: 0 });
  expect((await client.end()).length).toBe(5 * good.length);
  expect(served.log.filter(({ level }) => level >= 40)).toEqual([]);
});

describe('what takes for ever ends with power, and with the program', () => {
  const hours = [
    { op: 'read', wire: 'stall:3' },
    { op: 'read', wire: 'drip:1:2000h' },
    { op: 'read', hang: 'on' },
    { op: 'read', hang: '2000h' },
    { op: 'read', delay: '2000h' },
    { op: 'read', wire: 'reorder:9', delay: '2000h' },
  ];

  /** A client whose read the rule has struck. */
  async function struck({ path, ask }: Controlled): Promise<WireClient> {
    const before = await struckSoFar();
    const client = await WireClient.simple(path);
    askToRead(client);
    await until(async () => (await struckSoFar()) > before);
    return client;

    async function struckSoFar(): Promise<number> {
      const { text } = await ask('GET', '/v1/devices/nullb0/faults');
      return Number(/"struck":(\d+)/.exec(text)?.[1]);
    }
  }

  test.each(hours)('%o', async (rule) => {
    const served = await ruled(rule);
    const one = await struck(served);
    await served.set('nullb0', { power: 0 });
    expect((await one.end()).equals(good)).toBe(true);
    await served.set('nullb0', { power: 1 });
    const other = await struck(served);
    await served.stop();
    expect((await other.end()).equals(good)).toBe(true);
  });
});

test('of a write of parts of blocks rules see the writes of whole blocks, and none of its reads', async () => {
  const served = await serveControlled('size=16', 'memory_backed=1', 'hw_queue_depth=1');
  const rules = [
    { op: 'read', error: 'EIO' },
    { id: 'slow', op: 'write', nth: 1, hang: '1ms' },
  ];
  const path = '/v1/devices/nullb0/faults';
  await served.ask('PUT', path, { json: { rules } });
  const client = await WireClient.simple(served.path);
  const [offset, length] = [100, 2000];
  const sevens = Buffer.alloc(length, 7);
  client.send(requestBytes({ command: WRITE, cookie: 5n, offset, length }), sevens);
  expect(await client.reply(0)).toMatchObject({ cookie: 5n, error: 0 });
  const { json } = await served.ask('GET', path);
  expect(json).toMatchObject({ rules: [{ matched: 0 }, { id: 'slow', matched: 3, struck: 1 }] });
  await served.ask('DELETE', path);
  expect((await client.readData(offset, length)).equals(sevens)).toBe(true);
});
