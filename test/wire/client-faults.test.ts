/** What clients do wrong and are served all the same: served right, counted each time, said once in a
 *  connection. Source: docs/client-faults.md; nbd-protocol.md section 3.3. */

import {
  type ClientFault,
  Command,
  clientFaultNames,
  encodeContextRequest,
  encodeOption,
  Option,
  OptionReply,
} from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { FormClient, forms, infoData, option, optionAnswers } from './form-client.ts';
import { clientFlags, WireClient } from './wire-client.ts';

const { READ, WRITE, FLUSH, DISC, BLOCK_STATUS } = Command;
const MIB = 2 ** 20;
const WORDS = ['size=128', 'memory_backed=1'];

/** How often each fault was counted; those that never were are left out. */
async function counted({ ask }: Controlled): Promise<Record<string, number>> {
  const { text } = await ask('GET', '/metrics');
  const lines = [...text.matchAll(/^tnull_client_faults_total\{fault="([^"]+)"\} (\d+)$/gm)];
  expect(lines.map(([, fault]) => fault)).toEqual(clientFaultNames);
  return Object.fromEntries(
    lines.map(([, fault, count]) => [fault, Number(count)] as const).filter(([, count]) => count),
  );
}

function said({ log }: Controlled): (string | undefined)[] {
  return log.filter(({ fault }) => fault !== undefined).map(({ fault }) => fault);
}

async function haggling({ path }: Controlled): Promise<WireClient> {
  const client = await WireClient.connect(path);
  await client.read(18);
  client.send(clientFlags());
  return client;
}

/** Does it twice in one connection, or as often as it can be done, and sees that it is served.
 *  @returns how often. */
type Doing = (served: Controlled) => Promise<number>;

const doings: Readonly<Record<ClientFault, Doing>> = {
  'pipelined-option': async (served) => {
    const client = await haggling(served);
    const list = encodeOption(Option.LIST, new Uint8Array(0));
    client.send(list, list, encodeOption(Option.GO, infoData('')));
    for (const number of [Option.LIST, Option.LIST, Option.GO]) {
      expect((await optionAnswers(client, number)).at(-1)?.type).toBe(OptionReply.ACK);
    }
    expect((await client.readData(0, 512)).length).toBe(512);
    return 2;
  },
  'abort-with-data': async (served) => {
    const client = await haggling(served);
    const [answer] = await option(client, Option.ABORT, Buffer.alloc(100));
    expect(answer?.type).toBe(OptionReply.ACK);
    return 1;
  },
  'repeated-info-request': async (served) => {
    const client = await haggling(served);
    for (let n = 0; n < 2; n++) {
      const answers = await option(client, Option.INFO, infoData('', [3, 3, 3]));
      expect(answers).toHaveLength(3);
    }
    return 2;
  },
  'context-list-too-early': async (served) => {
    const client = await haggling(served);
    const request = encodeContextRequest({ exportName: '', queries: ['base:'] });
    for (let n = 0; n < 2; n++) {
      expect(await option(client, Option.LIST_META_CONTEXT, request)).toHaveLength(2);
    }
    return 2;
  },
  'context-without-namespace': async (served) => {
    const client = await haggling(served);
    await option(client, Option.STRUCTURED_REPLY);
    const request = encodeContextRequest({ exportName: '', queries: ['base', 'base:allocation'] });
    for (const number of [Option.LIST_META_CONTEXT, Option.SET_META_CONTEXT]) {
      expect(await option(client, number, request)).toHaveLength(2);
    }
    return 2;
  },
  'write-without-payload-len': async ({ path }) => {
    const client = await FormClient.open(path, { form: 'extended' });
    for (const length of [4096, MIB]) {
      const data = Buffer.alloc(length, 7);
      const reply = await client.ask({ command: WRITE, length, asIs: true }, data);
      expect(reply.error).toBe(0);
      expect((await client.read(0, length)).equals(data)).toBe(true);
    }
    return 2;
  },
  'longer-than-maximum-payload': async ({ path }) => {
    // A client that has not asked may send 32 MiB.
    const client = await FormClient.open(path, { form: 'structured' });
    const data = Buffer.alloc(32 * MIB + 512, 5);
    await client.write(0, data.subarray(512));
    await client.write(0, data);
    expect((await client.read(0, data.length)).equals(data)).toBe(true);
    return 2;
  },
  'flush-not-offered': async ({ path }) => {
    const client = await FormClient.open(path, { form: 'simple' });
    expect((await client.ask({ command: FLUSH })).error).toBe(0);
    expect((await client.ask({ command: FLUSH })).error).toBe(0);
    return 2;
  },
  'bytes-behind-disc': async ({ path }) => {
    const client = await FormClient.open(path, { form: 'simple' });
    client.wire.send(
      Buffer.concat([
        client.bytesOf({ command: DISC }),
        client.bytesOf({ command: READ, length: 512 }),
      ]),
    );
    expect(await client.wire.end()).toHaveLength(0);
    return 1;
  },
};

test.each(clientFaultNames)('%s is served, counted each time and said once', async (fault) => {
  const served = await serveControlled({ offerFlush: 'cache' }, ...WORDS);
  const times = await doings[fault](served);
  await until(() => said(served).length > 0);
  expect(await counted(served)).toEqual({ [fault]: times });
  expect(said(served)).toEqual([fault]);
  await doings[fault](served);
  expect(await counted(served)).toEqual({ [fault]: 2 * times });
  await until(() => said(served).length > 1);
  expect(said(served)).toEqual([fault, fault]);
});

test('of a client that was told of a smaller largest payload that one counts', async () => {
  const served = await serveControlled(...WORDS, 'max_sectors=8');
  const open = { form: 'structured', infos: [3] } as const;
  const client = await FormClient.open(served.path, open);
  await client.write(0, Buffer.alloc(4096));
  await client.read(0, 4096);
  expect(await counted(served)).toEqual({});
  await client.write(0, Buffer.alloc(8192));
  await client.read(0, 8192);
  expect(await counted(served)).toEqual({ 'longer-than-maximum-payload': 2 });
});

test.each(forms)('a client that keeps to the rules has no faults (%s)', async (form) => {
  const served = await serveControlled(...WORDS, 'cache_size=1');
  const contexts = form === 'simple' ? [] : ['base:allocation'];
  const client = await FormClient.open(served.path, { form, contexts, infos: [3] });
  await client.write(0, Buffer.alloc(MIB, 1));
  await client.read(0, MIB);
  expect((await client.ask({ command: FLUSH })).error).toBe(0);
  if (form !== 'simple') await client.ask({ command: BLOCK_STATUS, length: MIB });
  client.send({ command: DISC });
  await client.wire.end();
  expect(await counted(served)).toEqual({});
  expect(said(served)).toEqual([]);
});

test('a breach that is refused is none of them', async () => {
  const served = await serveControlled(...WORDS);
  const client = await FormClient.open(served.path, { form: 'extended' });
  const write = { command: WRITE, offset: 128 * MIB, length: 512, asIs: true };
  expect((await client.ask(write, Buffer.alloc(512))).error).not.toBe(0);
  expect((await client.ask({ command: FLUSH, length: 1 })).error).not.toBe(0);
  expect(await counted(served)).toEqual({});
});
