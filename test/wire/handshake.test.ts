/** The handshake on real sockets, byte by byte: nbd-protocol.md sections 2 and 7. The
 *  codec's own tests go further; these hold what the server adds, and its sync. */

import { encodeContextRequest, Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { serveControlled } from './controlled.ts';
import { FormClient, infoData, option } from './form-client.ts';
import { serve } from './served.ts';
import { WireClient } from './wire-client.ts';

const MIB = 2 ** 20;
const { ACK, SERVER, INFO, META_CONTEXT } = OptionReply;
const { ERR_UNSUP, ERR_INVALID, ERR_UNKNOWN, ERR_TOO_BIG, ERR_EXT_HEADER_REQD } = OptionReply;
const ALLOCATION = 'base:allocation';
const NOTHING = new Uint8Array(0);

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** IHAVEOPT, number, length, data. */
function raw(number: number, data: Uint8Array | string, length?: number): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const header = hex('49484156454f5054 00000000 00000000');
  header.writeUInt32BE(number, 8);
  header.writeUInt32BE(length ?? bytes.length, 12);
  return Buffer.concat([header, bytes]);
}

/** Greeted, with client flags 3. */
async function greeted(path: string, flags = 3): Promise<WireClient> {
  const client = await WireClient.connect(path);
  expect(await client.read(18)).toEqual(hex('4e42444d41474943 49484156454f5054 0003'));
  client.send(Buffer.from([0, 0, 0, flags]));
  return client;
}

async function types(client: WireClient, number: number, data?: Uint8Array): Promise<number[]> {
  return (await option(client, number, data)).map(({ type }) => type);
}

/** The connection goes on, and is in sync. */
async function inSync(client: WireClient): Promise<void> {
  expect(await types(client, Option.LIST)).toEqual([SERVER, ACK]);
}

async function memory(...words: string[]): Promise<string> {
  return (await serve('size=4', 'memory_backed=1', ...words)).path;
}

describe('zeroes-behind-name: bytes behind the size', () => {
  test.each([
    [1, 134],
    [3, 10],
  ])('after EXPORT_NAME with client flags %i there are %i bytes', async (flags, length) => {
    const client = await greeted(await memory(), flags);
    client.send(raw(Option.EXPORT_NAME, 'nullb0'));
    const reply = await client.read(length);
    expect(reply.readBigUInt64BE(0)).toBe(BigInt(4 * MIB));
    expect(reply.subarray(10).every((byte) => byte === 0)).toBe(true);
    client.send(hex('25609513 0000 0000 0000000000000007 0000000000000000 00000200'));
    expect((await client.read(16 + 512)).subarray(0, 16)).toEqual(
      hex('67446698 00000000 0000000000000007'),
    );
  });

  test('after GO there are none, whatever the client flags', async () => {
    const client = await greeted(await memory(), 1);
    expect(await types(client, Option.GO, infoData(''))).toEqual([INFO, ACK]);
    client.send(hex('25609513 0000 0000 0000000000000007 0000000000000000 00000200'));
    expect((await client.read(16 + 512)).readUInt32BE(0)).toBe(0x67446698);
  });
});

test('info-export-always: GO and INFO tell the export, also when nothing or only something else is asked', async () => {
  for (const number of [Option.INFO, Option.GO]) {
    for (const infos of [[], [1], [2], [3], [1, 2, 3], [3, 3], [77, 0xffff], [0, 0]]) {
      const client = await greeted(await memory());
      const answers = await option(client, number, infoData('nullb0', infos));
      const kinds = answers.slice(0, -1).map(({ data }) => data.readUInt16BE(0));
      expect(kinds).toContain(0);
      expect(new Set(kinds).size).toBe(kinds.length);
      expect(answers.at(-1)?.type).toBe(ACK);
    }
  }
});

/** Each is a lie about its length, or about what it is. */
const lies = [
  ['no data', ''],
  ['three bytes', '000000'],
  ['five bytes', '0000000000'],
  ['a name longer than the data', '00000007 6e756c6c6230 0000'],
  ['a name of 0xfffffffa bytes', 'fffffffa 6e756c6c6230 0000'],
  ['a name of 0xffffffff bytes', 'ffffffff 6e756c6c6230 0000'],
  ['a byte too many', '00000006 6e756c6c6230 00000000 ff'],
  ['more behind the name than there is', '00000006 6e756c6c6230 ffffffff'],
  ['a NUL in the name', '00000003 6e0062 00000000'],
  ['no UTF-8', '00000002 c328 00000000'],
] as const;

test.each([
  ['INFO', Option.INFO],
  ['GO', Option.GO],
  ['LIST_META_CONTEXT', Option.LIST_META_CONTEXT],
  ['SET_META_CONTEXT', Option.SET_META_CONTEXT],
])('false-lengths, names: names and lengths in %s that are lies', async (_, number) => {
  const path = await memory();
  for (const [what, data] of lies) {
    const client = await greeted(path);
    expect(await types(client, Option.STRUCTURED_REPLY), what).toEqual([ACK]);
    expect(await types(client, number, hex(data)), what).toEqual([ERR_INVALID]);
    await inSync(client);
    client.reset();
  }
});

test('refused-option-data, unknown-option-data: unknown options with data of any length are consumed', async () => {
  const client = await greeted(await memory());
  for (const length of [0, 1, 65_536, 1_000_000]) {
    for (const number of [4, 12, 0xffff_ffff]) {
      expect(await types(client, number, Buffer.alloc(length, 0x49))).toEqual([ERR_UNSUP]);
    }
    await inSync(client);
  }
});

test('refused-option-data, unknown-option-data: an option of more than a MiB, or too many options, end the connection', async () => {
  const long = await greeted(await memory());
  long.send(raw(12, NOTHING, MIB + 1));
  expect((await long.end()).length).toBe(0);
  const many = await greeted(await memory());
  const batch = Buffer.concat(Array.from({ length: 2000 }, () => raw(12, NOTHING)));
  many.send(batch);
  const answers = await many.end();
  expect(answers.length).toBeLessThan(1025 * 64);
});

test.each([
  ['LIST', Option.LIST],
  ['STARTTLS', Option.STARTTLS],
  ['STRUCTURED_REPLY', Option.STRUCTURED_REPLY],
  ['EXTENDED_HEADERS', Option.EXTENDED_HEADERS],
])('unwanted-data: %s with data is invalid and changes nothing', async (_, number) => {
  const client = await greeted(await memory());
  for (const length of [1, 4, 65_536]) {
    expect(await types(client, number, Buffer.alloc(length))).toEqual([ERR_INVALID]);
  }
  expect(await types(client, number, Buffer.alloc(65_537))).toEqual([ERR_TOO_BIG]);
  await inSync(client);
  expect(await types(client, Option.GO, infoData(''))).toEqual([INFO, ACK]);
  client.send(hex('25609513 0000 0000 0000000000000007 0000000000000000 00000200'));
  expect((await client.read(16)).readUInt32BE(0)).toBe(0x67446698);
});

test('abort: ABORT has its ACK, with data too, and then the end', async () => {
  for (const length of [0, 3, 100_000]) {
    const client = await greeted(await memory());
    client.send(raw(Option.ABORT, Buffer.alloc(length)));
    expect(await client.end()).toEqual(hex('0003e889045565a9 00000002 00000001 00000000'));
  }
});

test('names: long names are told from longer ones, and what quotes them is short', async () => {
  const client = await greeted(await memory());
  for (const [name, type] of [
    ['x'.repeat(4096), ERR_UNKNOWN],
    ['x'.repeat(4097), ERR_INVALID],
    ['\u00e4'.repeat(2048), ERR_UNKNOWN],
  ] as const) {
    const bytes = Buffer.from(name);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length, 0);
    const [answer] = await option(client, Option.GO, Buffer.concat([head, bytes, Buffer.alloc(2)]));
    expect(answer?.type).toBe(type);
    expect(answer?.data.length).toBeLessThanOrEqual(4096);
  }
  await inSync(client);
});

describe('context-selection: contexts', () => {
  const set = (client: WireClient, exportName: string, ...queries: string[]): Promise<number[]> =>
    types(client, Option.SET_META_CONTEXT, encodeContextRequest({ exportName, queries }));
  /** What a BLOCK_STATUS answers after GO: the error, or 0. */
  const status = async (client: WireClient, name: string): Promise<number> => {
    expect(await types(client, Option.GO, infoData(name))).toEqual([INFO, ACK]);
    client.send(hex('25609513 0000 0007 0000000000000007 0000000000000000 00000200'));
    const header = await client.read(20);
    const payload = await client.read(header.readUInt32BE(16));
    return header.readUInt16BE(6) >= 0x8000 ? payload.readUInt32BE(0) : 0;
  };
  const structured = async (): Promise<WireClient> => {
    const client = await greeted(await memory('nr_devices=2'));
    expect(await types(client, Option.STRUCTURED_REPLY)).toEqual([ACK]);
    return client;
  };

  test('are of the export for which they were selected', async () => {
    const client = await structured();
    expect(await set(client, 'nullb1', ALLOCATION)).toEqual([META_CONTEXT, ACK]);
    expect(await status(client, 'nullb0')).toBe(22);
    const other = await structured();
    expect(await set(other, 'nullb1', ALLOCATION)).toEqual([META_CONTEXT, ACK]);
    expect(await status(other, 'nullb1')).toBe(0);
  });

  test.each([
    ['with no queries', [] as string[], 'nullb0', [ACK]],
    ['of another export', [ALLOCATION], 'nullb1', [META_CONTEXT, ACK]],
    ['that fails', [ALLOCATION], 'nothing', [ERR_UNKNOWN]],
    ['of contexts that nobody knows', ['base:', 'base:x', 'x', 'y:z'], 'nullb0', [ACK]],
  ])('a second SET %s replaces the first', async (_, queries, name, answers) => {
    const client = await structured();
    expect(await set(client, 'nullb0', ALLOCATION)).toEqual([META_CONTEXT, ACK]);
    expect(await set(client, name, ...queries)).toEqual(answers);
    expect(await status(client, 'nullb0')).toBe(22);
  });

  test('a malformed SET clears too', async () => {
    const client = await structured();
    expect(await set(client, 'nullb0', ALLOCATION)).toEqual([META_CONTEXT, ACK]);
    expect(await types(client, Option.SET_META_CONTEXT, hex('ffffffff'))).toEqual([ERR_INVALID]);
    expect(await status(client, 'nullb0')).toBe(22);
  });

  test('without structured replies they cannot be selected, but listed', async () => {
    const client = await greeted(await memory());
    expect((await set(client, '', ALLOCATION))[0]).toBe(ERR_INVALID);
    const data = encodeContextRequest({ exportName: '', queries: [] });
    const [first] = await option(client, Option.LIST_META_CONTEXT, data);
    expect(first?.data.toString('utf8', 4)).toBe(ALLOCATION);
  });

  test('of zones: those of 64 bits with extended headers only', async () => {
    const path = await memory('zoned=1', 'zone_size=1');
    const list = async (extended: boolean, query: string): Promise<string[]> => {
      const client = await greeted(path);
      await types(client, extended ? Option.EXTENDED_HEADERS : Option.STRUCTURED_REPLY);
      const data = encodeContextRequest({ exportName: '', queries: [query] });
      const answers = await option(client, Option.LIST_META_CONTEXT, data);
      return answers.slice(0, -1).map((one) => one.data.toString('utf8', 4));
    };
    const narrow = ['x-tnull:zone32', 'x-tnull:zone-capacity'];
    expect(await list(false, 'x-tnull:')).toEqual(narrow);
    expect(await list(true, 'x-tnull:')).toEqual(['x-tnull:zone', ...narrow]);
    expect(await list(true, 'base:')).toEqual([ALLOCATION]);
  });
});

test('flags-that-fit: extended headers: once, and no STRUCTURED_REPLY or EXPORT_NAME behind them', async () => {
  const client = await greeted(await memory());
  expect(await types(client, Option.STRUCTURED_REPLY)).toEqual([ACK]);
  expect(await types(client, Option.EXTENDED_HEADERS)).toEqual([ACK]);
  expect(await types(client, Option.EXTENDED_HEADERS)).toEqual([ERR_INVALID]);
  expect(await types(client, Option.STRUCTURED_REPLY)).toEqual([ERR_EXT_HEADER_REQD]);
  client.send(raw(Option.EXPORT_NAME, 'nullb0'));
  expect((await client.end()).length).toBe(0);
});

test('the magic of the other form is the end', async () => {
  const path = await memory();
  for (const form of ['structured', 'extended'] as const) {
    const client = await FormClient.open(path, { form });
    const other = form === 'extended' ? '25609513' : '21e41c71';
    client.wire.send(Buffer.concat([hex(other), Buffer.alloc(28)]));
    expect((await client.wire.end()).length).toBe(0);
  }
});

test('info-then-go: GO tells what INFO told right before', async () => {
  for (const number of [Option.STRUCTURED_REPLY, Option.EXTENDED_HEADERS]) {
    const client = await greeted(await memory());
    await types(client, number);
    const set = encodeContextRequest({ exportName: 'nullb0', queries: [ALLOCATION] });
    await types(client, Option.SET_META_CONTEXT, set);
    const data = infoData('nullb0', [1, 2, 3]);
    expect(await option(client, Option.INFO, data)).toEqual(await option(client, Option.GO, data));
  }
});

test('export-changes: a size that changes is told to new clients; one that is gone is refused', async () => {
  const served = await serveControlled('size=4', 'memory_backed=1');
  const size = async (): Promise<number> =>
    (await FormClient.open(served.path, { form: 'extended' })).size;
  expect(await size()).toBe(4 * MIB);
  await served.set('nullb0', { power: 0 });
  await expect(size()).rejects.toThrow();
  await served.set('nullb0', { size: 8 });
  await served.set('nullb0', { power: 1 });
  expect(await size()).toBe(8 * MIB);
});

test('unix-buffer: replies to many small requests over a unix socket do not stop at its buffer', async () => {
  const client = await FormClient.open(await memory(), { form: 'extended' });
  const ask = { command: 6, length: 512 };
  const one = client.bytesOf(ask);
  client.wire.send(Buffer.concat(Array.from({ length: 5000 }, () => one)));
  for (let at = 0; at < 5000; at++) expect((await client.whole(ask)).error).toBe(0);
});
