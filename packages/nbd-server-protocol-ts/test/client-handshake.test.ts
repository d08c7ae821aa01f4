/** The client's half of the handshake against the server's, and against servers that break the rules. */

import { describe, expect, test } from 'vitest';
import {
  ClientHandshake,
  type ClientProgress,
  type ClientWishes,
  encodeOptionReply,
  InfoType,
  Option,
  OptionReply,
  ServerHandshake,
} from '../src/index.ts';
import { allCuts, contexts, disk, type HostOptions, hex, host } from './haggle.ts';

const everything = { contexts: true, extendedHeaders: true } as const;

/** Both halves, wired together, with `size` bytes at a time in each direction. TLS is only the word.
 *  @returns the client's last progress, and the server's. */
function meet(wishes: ClientWishes, options: HostOptions, size = 1_000_000) {
  let server = new ServerHandshake(host(options), options);
  const client = new ClientHandshake(wishes);
  let toClient = Buffer.from(server.greeting());
  let toServer = Buffer.alloc(0);
  let ofClient: ClientProgress = client.receive(toClient, 0, 0);
  let ofServer = server.receive(toServer, 0, 0);
  for (let round = 0; round < 10_000; round++) {
    const piece = toClient.subarray(0, size);
    ofClient = client.receive(piece, 0, piece.length);
    toClient = toClient.subarray(ofClient.consumed);
    toServer = Buffer.concat([toServer, ofClient.output]);
    if (ofServer.state === 'starttls' && ofClient.state === 'starttls') {
      server = server.secured();
      toServer = Buffer.from(client.secured());
    }
    const request = toServer.subarray(0, size);
    ofServer = server.receive(request, 0, request.length);
    toServer = toServer.subarray(ofServer.consumed);
    toClient = Buffer.concat([toClient, ofServer.output]);
    const over = ofClient.state !== 'haggling' && ofClient.state !== 'starttls';
    if (over && toServer.length === 0) return { client: ofClient, server: ofServer };
  }
  throw new Error('they never come to an end');
}

const cases: readonly [string, ClientWishes, HostOptions, object][] = [
  ['everything', {}, everything, { replyForm: 'extended', contexts: [] }],
  ['a server without extended headers', {}, {}, { replyForm: 'structured' }],
  [
    'a server without structured replies',
    {},
    { structuredReplies: false },
    { replyForm: 'simple' },
  ],
  ['no extended headers', { extendedHeaders: false }, everything, { replyForm: 'structured' }],
  [
    'neither',
    { extendedHeaders: false, structuredReplies: false },
    everything,
    { replyForm: 'simple', extendedHeaders: false },
  ],
  [
    'contexts',
    { exportName: 'disk', contexts: ['x-tnull:zone', 'a:b', 'base:allocation'] },
    everything,
    {
      contexts: [
        expect.objectContaining({ name: 'x-tnull:zone' }),
        { id: 2, name: 'base:allocation' },
      ],
    },
  ],
  ['contexts that nobody has', { contexts: ['base:allocation'] }, {}, { contexts: [] }],
  [
    'EXPORT_NAME',
    { goal: 'export-name', exportName: 'disk' },
    everything,
    { replyForm: 'structured' },
  ],
  [
    'TLS where it is required',
    { tls: 'require' },
    { ...everything, tls: 'require' },
    { replyForm: 'extended' },
  ],
  [
    'TLS if there is',
    { tls: 'on', contexts: ['base:allocation'] },
    { ...everything, tls: 'on' },
    {},
  ],
  ['TLS if there is, and there is not', { tls: 'on' }, everything, { replyForm: 'extended' }],
];

describe.each(cases)('%s', (_, wishes, options, expected) => {
  test.each([1_000_000, 1, 7, 19])('in pieces of %i bytes', (size) => {
    const { client, server } = meet(wishes, options, size);
    if (client.state !== 'transmission' || server.state !== 'transmission') {
      throw new Error(`${JSON.stringify(client)} ${JSON.stringify(server)}`);
    }
    expect(client.agreed).toMatchObject(expected);
    const { replyForm, extendedHeaders, contexts: chosen, flags } = server.agreed;
    expect(client.agreed).toMatchObject({ replyForm, extendedHeaders, contexts: chosen });
    expect(client.agreed.export).toMatchObject({ size: BigInt(disk.size), flags });
    const encrypted = (wishes.tls ?? 'off') !== 'off' && (options.tls ?? 'off') !== 'off';
    expect(server.agreed.secure).toBe(encrypted);
  });
});

test('what was asked for of an export is told', () => {
  const infos = [InfoType.NAME, InfoType.DESCRIPTION, InfoType.BLOCK_SIZE];
  const { client, server } = meet({ goal: 'info', infos }, everything);
  const { name, description, blockSize } = disk;
  expect(client).toMatchObject({ state: 'done', export: { name, description, blockSize } });
  expect(server).toMatchObject({ state: 'closed', orderly: true });
});

test('a list of exports, and one of contexts', () => {
  expect(meet({ goal: 'list' }, {}).client).toMatchObject({
    state: 'done',
    exports: [
      { name: 'disk', description: 'a disk' },
      { name: 'ü/ber', description: 'a disk' },
    ],
  });
  expect(meet({ goal: 'contexts' }, everything).client).toMatchObject({
    state: 'done',
    contexts: contexts.map(({ name }) => name),
  });
});

test.each<[string, ClientWishes, HostOptions, string]>([
  [
    'an unknown export',
    { exportName: 'x' },
    {},
    "GO was refused with ERR_UNKNOWN: there is no export 'x'",
  ],
  ['INFO of one', { goal: 'info', exportName: 'x' }, {}, 'INFO was refused with ERR_UNKNOWN'],
  ['TLS that is not there', { tls: 'require' }, {}, 'STARTTLS was refused with ERR_POLICY'],
  ['TLS that is needed', {}, { tls: 'require' }, 'GO was refused with ERR_TLS_REQD'],
  ['a server that goes', { goal: 'list' }, { down: true }, 'LIST was refused with ERR_SHUTDOWN'],
  ['no contexts', { goal: 'contexts' }, {}, 'LIST_META_CONTEXT was refused with ERR_UNSUP'],
])('%s: a reason in one line, and ABORT', (_, wishes, options, reason) => {
  const { client, server } = meet(wishes, options);
  expect(client).toMatchObject({ state: 'failed', reason: expect.stringContaining(reason) });
  expect(server).toMatchObject({ state: 'closed', orderly: true });
});

const GREETING = '4e42444d41474943 49484156454f5054 0003';
const OLD = '4e42444d41474943 49484156454f5054 0000';

/** What the client concludes from these bytes, in one piece. */
function hears(text: string | Buffer, wishes: ClientWishes = { extendedHeaders: false }) {
  const bytes = typeof text === 'string' ? hex(text) : text;
  return new ClientHandshake(wishes).receive(bytes, 0, bytes.length);
}

const reply = (option: number, type: number, data: string | Uint8Array = ''): string =>
  Buffer.from(
    encodeOptionReply(option, type, typeof data === 'string' ? hex(data) : data),
  ).toString('hex');

const { STRUCTURED_REPLY, GO, LIST, SET_META_CONTEXT, STARTTLS } = Option;
const { ACK, INFO, SERVER, META_CONTEXT, ERR_UNSUP } = OptionReply;
const AGREED = GREETING + reply(STRUCTURED_REPLY, ACK);
const list: ClientWishes = { goal: 'list' };

test.each<[string, string, ClientWishes, string]>([
  ['no NBD', '00'.repeat(18), {}, 'not an NBD server'],
  ['the oldstyle', '4e42444d41474943 0000420281861253 0000', {}, 'not an NBD server'],
  ['no reply', GREETING + '00'.repeat(20), list, 'wrong magic'],
  ['a reply to another option', GREETING + reply(GO, ACK), list, 'another option'],
  ['a reply of 4 GiB', `${GREETING}0003e889045565a9 00000003 00000002 ffffffff`, list, 'too long'],
  [
    'a list of something else',
    GREETING + reply(LIST, INFO, '0000') + reply(LIST, ACK),
    list,
    'malformed',
  ],
  [
    'half a name',
    GREETING + reply(LIST, SERVER, '00000005 61') + reply(LIST, ACK),
    list,
    'malformed',
  ],
  ['GO without EXPORT', AGREED + reply(GO, ACK), { extendedHeaders: false }, 'neither size'],
  [
    'GO with half an INFO',
    `${AGREED}${reply(GO, INFO, '0000 00')}${reply(GO, ACK)}`,
    { extendedHeaders: false },
    'malformed INFO',
  ],
  [
    'a context without a name',
    AGREED + reply(SET_META_CONTEXT, META_CONTEXT, '0000') + reply(SET_META_CONTEXT, ACK),
    { extendedHeaders: false, contexts: ['a:b'] },
    'malformed',
  ],
  [
    'starttls-forgets: plaintext behind the ACK of STARTTLS',
    `${GREETING}${reply(STARTTLS, ACK)}00`,
    { tls: 'require' },
    'not encrypted',
  ],
  ['a server that knows no options', OLD, list, 'EXPORT_NAME only'],
  ['a server that knows no TLS', OLD, { tls: 'require' }, 'EXPORT_NAME only'],
])('a server that sends %s', (_, text, wishes, reason) => {
  expect(hears(text, wishes)).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining(reason),
  });
});

test('a server of the oldest newstyle is asked by EXPORT_NAME, and sends 134 bytes', () => {
  const bytes = hex(`${OLD} 0000000000001000 0001 ${'00'.repeat(124)} 67446698`);
  for (const cuts of allCuts(bytes.length)) {
    const client = new ClientHandshake({ exportName: 'x' });
    let at = 0;
    let sent = '';
    let last: ClientProgress | undefined;
    for (const end of [...cuts, bytes.length]) {
      if (last?.state === 'transmission') break;
      last = client.receive(bytes, at, end);
      at += last.consumed;
      sent += Buffer.from(last.output).toString('hex');
    }
    expect(last).toMatchObject({ state: 'transmission', agreed: { replyForm: 'simple' } });
    expect(at).toBe(18 + 134);
    expect(sent).toBe(hex('00000000 49484156454f5054 00000001 00000001 78').toString('hex'));
  }
});

test('where GO is not known EXPORT_NAME is taken', () => {
  const text = `${AGREED}${reply(GO, ERR_UNSUP)} 0000000000001000 0001`;
  expect(hears(text)).toMatchObject({
    state: 'transmission',
    agreed: { export: { size: 4096n, flags: 1 }, replyForm: 'structured' },
  });
});

test('but not after extended headers, where it is not allowed', () => {
  const text = GREETING + reply(Option.EXTENDED_HEADERS, ACK) + reply(GO, ERR_UNSUP);
  expect(hears(text, {})).toMatchObject({
    state: 'failed',
    reason: 'GO was refused with ERR_UNSUP',
  });
});

test('secured() is a bug before the ACK', () => {
  expect(() => new ClientHandshake().secured()).toThrow('did not agree');
});
