/** Rules that break connections, inside TLS: bytes are counted before they are encrypted. Source: faults.md section 3. */

import { Command, encodeOption, Option } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { parsePlan } from '../../src/rules/plan.ts';
import { limits } from '../../src/server/limits.ts';
import { inStillTime } from '../still-time.ts';
import { until } from '../until.ts';
import { serveControlled } from './controlled.ts';
import { type Served, serveWith } from './served.ts';
import { startTls, usualFiles } from './tls-client.ts';
import { clientFlags, requestBytes, WireClient } from './wire-client.ts';

const LENGTH = 4096;
const REPLY = 16;
/** The greeting, and the answer to STARTTLS. */
const BEFORE_TLS = 18 + 20;
/** What EXPORT_NAME is answered with. */
const ANSWER = 10;

function ruled(rule: object): Promise<Served> {
  const tls = { mode: 'require', files: usualFiles } as const;
  const faults = parsePlan({ rules: [rule] });
  return serveWith({ tls, faults }, 'size=1', 'memory_backed=1');
}

/** Asks for the default export. */
async function exportNamed(served: Pick<Served, 'path'>): Promise<WireClient> {
  const client = await startTls(served.path);
  client.send(encodeOption(Option.EXPORT_NAME, new Uint8Array(0)));
  return client;
}

async function reads(served: Served): Promise<WireClient> {
  const client = await exportNamed(served);
  await client.read(ANSWER);
  client.send(requestBytes({ command: Command.READ, cookie: 5n, length: LENGTH }));
  return client;
}

test.each([1, 5, 9])('a handshake is cut %i bytes behind the begin of TLS', async (bytes) => {
  const served = await ruled({ op: 'handshake', wire: `truncate:${BEFORE_TLS + bytes}` });
  const client = await exportNamed(served);
  expect(await client.end()).toHaveLength(bytes);
});

test.each([18, 30, BEFORE_TLS])('a handshake cut at %i never comes to TLS', async (bytes) => {
  const served = await ruled({ op: 'handshake', wire: `truncate:${bytes}` });
  const client = await WireClient.connect(served.path);
  await client.peek(18);
  client.send(clientFlags(), encodeOption(Option.STARTTLS, new Uint8Array(0)));
  expect(await client.end()).toHaveLength(bytes);
  const told = (): string[] => served.log.map(({ msg }) => msg);
  await until(() => told().includes('disconnected'));
  expect(told()).not.toContain('TLS begins');
});

describe('a handshake that stands still behind the begin of TLS', () => {
  const path = '/v1/devices/nullb0/faults';
  const stalled = async (bytes: number) => {
    const tls = { mode: 'require', files: usualFiles } as const;
    const served = await serveControlled({ tls }, 'size=1');
    const rules = [{ op: 'handshake', wire: `stall:${BEFORE_TLS + bytes}` }];
    expect((await served.ask('PUT', path, { json: { rules } })).status).toBe(200);
    return { served, client: await exportNamed(served) };
  };

  test.each([0, 5, 9])('goes on at byte %i when it is released', async (bytes) => {
    const { served, client } = await stalled(bytes);
    await until(async () => {
      const { json } = await served.ask('POST', `${path}/release`);
      return JSON.stringify(json) === '{"released":1}';
    });
    expect(await client.read(ANSWER)).toHaveLength(ANSWER);
  });

  test('meets the time limit of handshakes', async () => {
    await inStillTime(async (pass) => {
      const { client } = await stalled(5);
      await client.peek(5);
      pass(limits.handshakeTime.max);
      expect(await client.end()).toHaveLength(5);
    });
  });
});

test('a handshake that drips is whole', async () => {
  const served = await ruled({ op: 'handshake', wire: 'drip:7:10us' });
  const client = await exportNamed(served);
  expect(await client.read(ANSWER)).toHaveLength(ANSWER);
});

test.each([0, 1, 15, 16, 17, 1000, REPLY + LENGTH - 1])('a reply is cut at %i', async (bytes) => {
  const served = await ruled({ op: 'read', wire: `truncate:${bytes}` });
  expect(await (await reads(served)).end()).toHaveLength(bytes);
});

test.each(['drip:1000:10us', 'stall:20'])('%s: the reply is whole in the end', async (wire) => {
  const served = await ruled({ op: 'read', nth: 1, wire });
  const client = await reads(served);
  if (wire === 'stall:20') {
    await client.peek(20);
    expect(client.waiting).toBe(20);
    // The end of the daemon is in nobody's way.
    void served.daemon.stop();
  }
  const reply = await client.reply(LENGTH);
  expect(reply).toMatchObject({ cookie: 5n, error: 0, data: Buffer.alloc(LENGTH) });
});
