/** The whole daemon with two threads for sockets, where they could make a difference. All other wire
 *  tests run with them too: TNULL_TEST_THREADS=2 npx vitest run test/wire. */

import { Command, encodeOption, Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { FormClient, infoData } from '../wire/form-client.ts';
import { serveWith, WARN } from '../wire/served.ts';
import { last, plain, startTls, usualFiles } from '../wire/tls-client.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';

const MIB = 2 ** 20;
const threads = 2;
const tls = { mode: 'on', files: usualFiles } as const;
const memory = ['size=16', 'memory_backed=1'];

test('sixteen clients, each with its own blocks, see each other’s writes', async () => {
  const { path, port } = await serveWith({ threads }, ...memory);
  const clients = await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      FormClient.open(n % 2 === 0 ? path : port, { form: 'structured' }),
    ),
  );
  const data = (n: number): Buffer => Buffer.alloc(300_000, n + 1);
  await Promise.all(clients.map((client, n) => client.write(n * 300_032, data(n))));
  await Promise.all(
    clients.map(async (client, n) => {
      const other = (n + 5) % clients.length;
      expect(Buffer.compare(await client.read(other * 300_032, 300_000), data(other))).toBe(0);
    }),
  );
});

test('a stop lets what is in flight end, and no thread is left', async () => {
  const { path, daemon } = await serveWith(
    { threads },
    ...['size=4', 'irqmode=2', 'completion_nsec=300000000'],
  );
  const client = await WireClient.structured(path);
  client.send(requestBytes({ command: Command.READ, length: 512, cookie: 1n }));
  // Refused at once, which says that the one before it was taken.
  const beyond = { command: Command.READ, offset: 4 * MIB, length: 512, cookie: 2n };
  expect((await client.request(beyond)).error).not.toBe(0);
  const stopped = daemon.stop();
  expect(await client.reply()).toMatchObject({ cookie: 1n, error: 0 });
  expect((await client.end()).length).toBe(0);
  await stopped;
});

test('an address that cannot be had leaves no thread', async () => {
  const { path, daemon } = await serveWith({ threads }, ...memory);
  const before = process.getActiveResourcesInfo().filter((one) => one === 'MessagePort').length;
  await expect(serveWith({ threads, listen: [{ kind: 'unix', path }] }, 'size=4')).rejects.toThrow(
    'the socket is in use',
  );
  await until(
    () => process.getActiveResourcesInfo().filter((one) => one === 'MessagePort').length <= before,
  );
  await daemon.stop();
});

test('files for TLS that are wrong are told of before there is anything', async () => {
  const files = { certificates: '/nowhere', psk: undefined, verifyPeer: false };
  await expect(serveWith({ threads, tls: { mode: 'on', files } }, 'size=4')).rejects.toThrow(
    '--tls-certificates: /nowhere/server-cert.pem',
  );
});

describe('TLS', () => {
  test('who goes right behind the handshake, without waiting for a reply, is let go', async () => {
    const { path, log } = await serveWith({ threads, tls }, ...memory);
    for (let n = 0; n < 20; n++) {
      const client = await startTls(path);
      client.send(encodeOption(Option.GO, infoData('')));
      client.socket.destroy();
    }
    await until(() => log.filter(({ msg }) => msg === 'disconnected').length === 20);
  });

  test('bytes behind STARTTLS that were not encrypted end the client, whenever they come', async () => {
    const { path, log } = await serveWith({ threads, tls }, ...memory);
    const other = await FormClient.haggle(await startTls(path), { form: 'extended' });
    for (let n = 0; n < 30; n++) {
      const client = await plain(path);
      client.send(encodeOption(Option.STARTTLS, new Uint8Array(0)));
      // One write later: it is not in the same segment, and may be there before the ACK is sent.
      if (n % 3 !== 0) await new Promise((resolve) => setImmediate(resolve));
      client.send(encodeOption(Option.GO, infoData('')));
      const answer = await client.end();
      // The ACK and an alert of TLS at most; never an answer to GO.
      expect(answer.length).toBeLessThanOrEqual(20 + 16);
    }
    const warnings = (): unknown[] => log.filter(({ level }) => level >= WARN);
    await until(() => warnings().length === 30);
    expect((await other.read(0, 512)).length).toBe(512);
  });

  test('megabytes both ways, and an orderly end', async () => {
    const { port } = await serveWith({ threads, tls }, ...memory);
    const client = await FormClient.haggle(await startTls(port), { form: 'structured' });
    const data = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, n) => n * 7));
    await client.write(4096, data);
    expect(Buffer.compare(await client.read(4096, data.length), data)).toBe(0);
    client.wire.send(client.bytesOf({ command: Command.DISC }));
    await client.wire.end();
  });

  test('what is not offered is refused', async () => {
    const { path } = await serveWith({ threads }, ...memory);
    const client = await plain(path);
    expect(await last(client, Option.STARTTLS)).toBe(OptionReply.ERR_POLICY);
    expect(await last(client, Option.GO, infoData(''))).toBe(OptionReply.ACK);
  });
});
