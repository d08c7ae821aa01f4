/** Every option, legal and illegal, before and behind the options that change the form of replies: what
 *  is answered is worked out from nbd-protocol.md section 2, and the connection stays in sync. */

import { Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { testRows } from '../test-runs.ts';
import { type Form, forms, infoData, option } from './form-client.ts';
import { serve } from './served.ts';
import { clientFlags, WireClient } from './wire-client.ts';

const { ACK, SERVER, INFO, META_CONTEXT } = OptionReply;
const { ERR_UNSUP, ERR_POLICY, ERR_INVALID, ERR_UNKNOWN, ERR_TOO_BIG } = OptionReply;
const { ERR_EXT_HEADER_REQD } = OptionReply;
const EMPTY = Buffer.alloc(0);

/** The final reply; `closed`: there is none, the connection ends; `agreed`: transmission begins. */
type Outcome = number | 'closed' | 'agreed' | 'goodbye';
type ByForm = Outcome | Readonly<Record<Form, Outcome>>;

interface Row {
  readonly what: string;
  readonly number: number;
  readonly data: Uint8Array;
  readonly outcome: ByForm;
  /** In front of the final one. */
  readonly replies?: readonly number[];
}

function u32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, at * 4);
  return bytes;
}

function u16(number: number): Buffer {
  return Buffer.of(number >> 8, number & 0xff);
}

function named(name: string | Uint8Array): Buffer {
  const bytes = Buffer.from(name);
  return Buffer.concat([u32(bytes.length), bytes]);
}

function contexts(name: string, ...queries: string[]): Buffer {
  return Buffer.concat([named(name), u32(queries.length), ...queries.map((one) => named(one))]);
}

/** Names that no export may have, by what is wrong with them. */
const badNames: readonly (readonly [string, Uint8Array])[] = [
  ['a NUL', Buffer.from('a\0b')],
  ['no UTF-8', Buffer.of(0xc3, 0x28)],
  ['4097 bytes', Buffer.alloc(4097, 'x')],
];

function infoRows(number: number): Row[] {
  const legal = number === Option.GO ? 'agreed' : ACK;
  const row = (what: string, data: Uint8Array, outcome: Outcome = ERR_INVALID): Row => {
    return { what, number, data, outcome, ...(outcome === legal ? { replies: [INFO] } : {}) };
  };
  const exact = infoData('nullb0');
  return [
    row('the default export', infoData(''), legal),
    row('by its name', exact, legal),
    row('all infos', infoData('nullb0', [0, 1, 3]), legal),
    row('infos that nobody knows', infoData('nullb0', [77, 0xffff]), legal),
    row('no such export', infoData('x'), ERR_UNKNOWN),
    row('a name of 4096 bytes', infoData('x'.repeat(4096)), ERR_UNKNOWN),
    ...badNames.map(([what, name]) => row(what, Buffer.concat([named(name), u16(0)]))),
    ...Array.from(exact.keys(), (cut) => row(`cut at ${cut}`, exact.subarray(0, cut))),
    row('a byte too many', Buffer.concat([exact, Buffer.of(0)])),
    row('an info too few', Buffer.concat([named('nullb0'), u16(2), u16(3)])),
    row('an info too many', Buffer.concat([named('nullb0'), u16(0), u16(3)])),
    ...[0xffff_fffa, 0xffff_ffff, 0x7fff_ffff].map((length) =>
      row(`a name of ${length} bytes`, Buffer.concat([u32(length), exact.subarray(4)])),
    ),
  ];
}

function contextRows(number: number): Row[] {
  const list = number === Option.LIST_META_CONTEXT;
  // Behind nothing that could carry a status no context can be selected, whatever was asked.
  const outcome = (one: Outcome): ByForm =>
    list ? one : { simple: ERR_INVALID, structured: one, extended: one };
  const row = (what: string, data: Uint8Array, one: Outcome, found = 0): Row => {
    const replies = Array.from({ length: found }, () => META_CONTEXT);
    return { what, number, data, outcome: outcome(one), replies };
  };
  const exact = contexts('nullb0', 'base:allocation');
  return [
    row('no query', contexts('nullb0'), ACK, list ? 1 : 0),
    row('the allocation', exact, ACK, 1),
    row('of the default export', contexts('', 'base:allocation'), ACK, 1),
    row('twice', contexts('', 'base:allocation', 'base:allocation'), ACK, 1),
    row('a wildcard', contexts('', 'base:'), ACK, list ? 1 : 0),
    row('what nobody knows', contexts('', 'base:x', 'x-y:z', 'qemu:a', 'none', ''), ACK),
    row('no such export', contexts('x', 'base:allocation'), ERR_UNKNOWN),
    row('too many', contexts('', ...Array.from({ length: 1025 }, () => 'a:b')), ERR_TOO_BIG),
    ...badNames.map(([what, name]) => row(what, Buffer.concat([named(name), u32(0)]), ERR_INVALID)),
    ...Array.from(exact.keys(), (cut) => row(`cut at ${cut}`, exact.subarray(0, cut), ERR_INVALID)),
    row('a byte too many', Buffer.concat([exact, Buffer.of(0)]), ERR_INVALID),
    row('a query too few', Buffer.concat([named(''), u32(2), named('a:b')]), ERR_INVALID),
    ...[0xffff_fffa, 0xffff_ffff].flatMap((length) => [
      row(`a name of ${length}`, Buffer.concat([u32(length), exact.subarray(4)]), ERR_INVALID),
      row(`a query of ${length}`, Buffer.concat([named(''), u32(1, length)]), ERR_INVALID),
      row(`${length} queries`, Buffer.concat([named(''), u32(length)]), ERR_INVALID),
    ]),
  ];
}

/** Options that take no data. */
function bareRows(number: number, outcome: ByForm, replies: readonly number[] = []): Row[] {
  return [
    { what: 'without data', number, data: EMPTY, outcome, replies },
    ...[1, 4, 65_536].map((length) => ({
      ...{ what: `${length} bytes of data`, number, data: Buffer.alloc(length) },
      outcome: ERR_INVALID,
    })),
  ];
}

function exportNameRows(): Row[] {
  const number = Option.EXPORT_NAME;
  const good = { simple: 'agreed', structured: 'agreed', extended: 'closed' } as const;
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ...badNames,
    ['no such export', Buffer.from('x')],
  ];
  return [
    { what: 'the default export', number, data: EMPTY, outcome: good },
    { what: 'by its name', number, data: Buffer.from('nullb0'), outcome: good },
    ...bad.map(([what, data]) => ({ what, number, data, outcome: 'closed' as const })),
  ];
}

function unknownRows(number: number): Row[] {
  return [0, 1, 65_536].map((length) => ({
    ...{ what: `${length} bytes`, number, data: Buffer.alloc(length, 0x49), outcome: ERR_UNSUP },
  }));
}

const EH = ERR_EXT_HEADER_REQD;
const table: Readonly<Record<string, readonly Row[]>> = {
  EXPORT_NAME: exportNameRows(),
  ABORT: [0, 1, 65_536].map((length) => ({
    ...{ what: `${length} bytes`, number: Option.ABORT, data: Buffer.alloc(length) },
    outcome: 'goodbye',
  })),
  LIST: bareRows(Option.LIST, ACK, [SERVER]),
  PEEK_EXPORT: unknownRows(4),
  STARTTLS: bareRows(Option.STARTTLS, ERR_POLICY),
  INFO: infoRows(Option.INFO),
  GO: infoRows(Option.GO),
  STRUCTURED_REPLY: bareRows(Option.STRUCTURED_REPLY, {
    ...{ simple: ACK, structured: ERR_INVALID, extended: EH },
  }),
  LIST_META_CONTEXT: contextRows(Option.LIST_META_CONTEXT),
  SET_META_CONTEXT: contextRows(Option.SET_META_CONTEXT),
  EXTENDED_HEADERS: bareRows(Option.EXTENDED_HEADERS, {
    ...{ simple: ACK, structured: ACK, extended: ERR_INVALID },
  }),
  'number 0': unknownRows(0),
  'number 12': unknownRows(12),
  'number 2^31': unknownRows(2 ** 31),
  'number 2^32 - 1': unknownRows(2 ** 32 - 1),
};

test('every option of the protocol is in the table', () => {
  const rows = Object.values(table).flat();
  const numbers = new Set(rows.map(({ number }) => number));
  for (const number of Object.values(Option)) expect(numbers).toContain(number);
});

/** Greeted, and as far as `form`. */
async function haggling(path: string, form: Form): Promise<WireClient> {
  const client = await WireClient.connect(path);
  await client.read(18);
  client.send(clientFlags());
  const before = { structured: Option.STRUCTURED_REPLY, extended: Option.EXTENDED_HEADERS };
  if (form !== 'simple') {
    expect((await option(client, before[form])).map(({ type }) => type)).toEqual([ACK]);
  }
  return client;
}

/** A read in the form that was agreed on is answered in it. */
async function transmits(client: WireClient, form: Form): Promise<void> {
  const request = Buffer.alloc(form === 'extended' ? 32 : 28);
  request.writeUInt32BE(form === 'extended' ? 0x21e41c71 : 0x25609513, 0);
  request.writeUInt32BE(512, request.length - 4);
  client.send(request);
  const magic = (await client.read(16)).readUInt32BE(0);
  expect(magic).toBe({ simple: 0x67446698, structured: 0x668e33ef, extended: 0x6e8a278c }[form]);
}

const switches: ReadonlyMap<number, Form> = new Map([
  [Option.STRUCTURED_REPLY, 'structured'],
  [Option.EXTENDED_HEADERS, 'extended'],
]);

async function gives(client: WireClient, form: Form, row: Row): Promise<void> {
  const outcome = typeof row.outcome === 'object' ? row.outcome[form] : row.outcome;
  if (row.number === Option.EXPORT_NAME) {
    const head = Buffer.concat([Buffer.from('IHAVEOPT'), u32(row.number, row.data.length)]);
    client.send(head, row.data);
    if (outcome === 'closed') return expect((await client.end()).length).toBe(0);
    expect((await client.read(10)).readBigUInt64BE(0)).toBe(4n << 20n);
    return await transmits(client, form);
  }
  const answers = (await option(client, row.number, row.data)).map(({ type }) => type);
  const last = typeof outcome === 'number' ? outcome : ACK;
  expect(answers.at(-1)).toBe(last);
  const failed = last >= 0x8000_0000;
  // How many infos there are is the server's choice, but one at least.
  const found = answers.slice(0, -1).filter((type, at) => type !== INFO || at === 0);
  expect(found).toEqual(failed ? [] : (row.replies ?? []));
  if (outcome === 'goodbye') return expect((await client.end()).length).toBe(0);
  if (outcome === 'agreed') return await transmits(client, form);
  // In sync, and nothing has changed that was not to.
  const known = (await option(client, Option.LIST)).map(({ type }) => type);
  expect(known).toEqual([SERVER, ACK]);
  const now = last === ACK ? (switches.get(row.number) ?? form) : form;
  const went = await option(client, Option.GO, infoData(''));
  expect(went.map(({ type }) => type)).toEqual([INFO, ACK]);
  await transmits(client, now);
}

describe.each(testRows(Object.entries(table)))('%s', (_, rows) => {
  test.each(forms)('on the way to %s replies', async (form) => {
    const { path } = await serve('size=4', 'memory_backed=1');
    for (const row of rows) {
      const client = await haggling(path, form);
      try {
        await gives(client, form, row);
      } catch (error) {
        throw new Error(row.what, { cause: error });
      }
      client.socket.destroy();
    }
  });
});
