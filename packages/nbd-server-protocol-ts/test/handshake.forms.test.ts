/** Every option, legal and illegal, in each of the three reply forms. nbd-protocol.md section 2. */

import { describe, expect, test } from 'vitest';
import {
  HOLE_MAX,
  handshakeLimits,
  Option,
  OptionReply,
  ReplyEncoder,
  TransmissionFlag,
} from '../src/index.ts';
import {
  allCuts,
  contextOption,
  FIXED,
  haggle,
  hex,
  infoData,
  NOTHING,
  option,
  replies,
  said,
  types,
} from './haggle.ts';

const { ACK, SERVER, INFO, META_CONTEXT } = OptionReply;
const { ERR_INVALID, ERR_UNSUP, ERR_POLICY, ERR_UNKNOWN, ERR_EXT_HEADER_REQD } = OptionReply;
const options = { contexts: true, extendedHeaders: true } as const;
const before = {
  simple: [],
  structured: [option(Option.STRUCTURED_REPLY)],
  extended: [option(Option.EXTENDED_HEADERS)],
} as const;
const forms = ['simple', 'structured', 'extended'] as const;
const CLOSED = 'closed';
const LISTED = [SERVER, SERVER, ACK];
const CONTEXT = contextOption(Option.SET_META_CONTEXT, 'disk', 'base:allocation').subarray(16);

/** The answers in each form; one list stands for all three. */
type Answers = readonly (number | string)[];
const rows: readonly [string, number, Uint8Array, Answers | Record<string, Answers>][] = [
  [
    'EXPORT_NAME',
    Option.EXPORT_NAME,
    Buffer.from('disk'),
    { simple: [], structured: [], extended: [CLOSED] },
  ],
  ['EXPORT_NAME, unknown', Option.EXPORT_NAME, Buffer.from('x'), [CLOSED]],
  ['ABORT', Option.ABORT, NOTHING, [ACK, CLOSED]],
  ['ABORT with data', Option.ABORT, Buffer.from('bye'), [ACK, CLOSED]],
  ['LIST', Option.LIST, NOTHING, LISTED],
  ['LIST with data', Option.LIST, Buffer.from('x'), [ERR_INVALID]],
  ['PEEK_EXPORT', Option.PEEK_EXPORT, NOTHING, [ERR_UNSUP]],
  ['STARTTLS without TLS', Option.STARTTLS, NOTHING, [ERR_POLICY]],
  ['STARTTLS with data', Option.STARTTLS, Buffer.from('x'), [ERR_INVALID]],
  ['INFO', Option.INFO, infoData('disk', [3, 1]), [INFO, INFO, INFO, ACK]],
  ['INFO, malformed', Option.INFO, NOTHING, [ERR_INVALID]],
  ['INFO, unknown', Option.INFO, infoData('x'), [ERR_UNKNOWN]],
  ['GO', Option.GO, infoData('disk'), [INFO, ACK]],
  ['GO, malformed', Option.GO, Buffer.from('12345'), [ERR_INVALID]],
  ['GO, unknown', Option.GO, infoData('x'), [ERR_UNKNOWN]],
  [
    'STRUCTURED_REPLY',
    Option.STRUCTURED_REPLY,
    NOTHING,
    { simple: [ACK], structured: [ERR_INVALID], extended: [ERR_EXT_HEADER_REQD] },
  ],
  ['STRUCTURED_REPLY with data', Option.STRUCTURED_REPLY, Buffer.from('x'), [ERR_INVALID]],
  ['LIST_META_CONTEXT', Option.LIST_META_CONTEXT, CONTEXT, [META_CONTEXT, ACK]],
  ['LIST_META_CONTEXT, malformed', Option.LIST_META_CONTEXT, NOTHING, [ERR_INVALID]],
  [
    'SET_META_CONTEXT',
    Option.SET_META_CONTEXT,
    CONTEXT,
    { simple: [ERR_INVALID], structured: [META_CONTEXT, ACK], extended: [META_CONTEXT, ACK] },
  ],
  ['SET_META_CONTEXT, malformed', Option.SET_META_CONTEXT, NOTHING, [ERR_INVALID]],
  [
    'EXTENDED_HEADERS',
    Option.EXTENDED_HEADERS,
    NOTHING,
    { simple: [ACK], structured: [ACK], extended: [ERR_INVALID] },
  ],
  ['EXTENDED_HEADERS with data', Option.EXTENDED_HEADERS, Buffer.from('x'), [ERR_INVALID]],
  ['an unknown option', 77, Buffer.alloc(1000), [ERR_UNSUP]],
];

describe.each(forms)('%s', (form) => {
  test.each(rows)('%s', (_, number, data, expected) => {
    const first = before[form];
    const bytes = said(...first, option(number, data), option(Option.LIST));
    const { output, state, agreed, rest } = haggle(bytes, [], options);
    const answers = Array.isArray(expected)
      ? expected
      : (expected as Record<string, Answers>)[form]; // by its type
    const goesOn = state === 'haggling';
    if (state === 'transmission') expect(rest).toEqual(Buffer.from(option(Option.LIST)));
    if (number === Option.EXPORT_NAME) {
      expect(state).toBe(answers?.[0] ?? 'transmission');
      return;
    }
    expect([...types(output), ...(state === 'closed' ? [CLOSED] : [])]).toEqual([
      ...first.map(() => ACK),
      ...(answers ?? []),
      ...(goesOn ? LISTED : []),
    ]);
    if (number === Option.GO && goesOn === false) expect(agreed?.replyForm).toBe(form);
  });
});

test.each([
  [[], 'simple', false, false],
  [[8], 'structured', true, false],
  [[11], 'extended', true, true],
  [[8, 11], 'extended', true, true],
  [[11, 8], 'extended', true, true],
])('the options %j agree on %s', (numbers, replyForm, structuredReplies, extendedHeaders) => {
  const asked = numbers.map((number) => option(number));
  const { agreed } = haggle(said(...asked, option(Option.GO, infoData(''))), [], options);
  expect(agreed).toMatchObject({ replyForm, structuredReplies, extendedHeaders });
  expect(((agreed?.flags ?? 0) & TransmissionFlag.SEND_DF) !== 0).toBe(structuredReplies);
});

test('a server may be unable to do either', () => {
  const asked = [option(Option.STRUCTURED_REPLY), option(Option.EXTENDED_HEADERS)];
  expect(types(haggle(said(...asked)).output)).toEqual([ACK, ERR_UNSUP]);
  const { output } = haggle(said(...asked), [], { structuredReplies: false });
  expect(types(output)).toEqual([ERR_UNSUP, ERR_UNSUP]);
});

test('flags-that-fit: FAST_ZERO only with WRITE_ZEROES, and HAS_FLAGS always', () => {
  const flagsOf = (flags: number): number | undefined => {
    const also = [
      { name: 'x', size: 1, flags, blockSize: { minimum: 1, preferred: 512, maximumPayload: 1 } },
    ];
    return haggle(said(option(Option.GO, infoData('x'))), [], { also }).agreed?.flags;
  };
  const { SEND_FAST_ZERO, SEND_WRITE_ZEROES, HAS_FLAGS } = TransmissionFlag;
  expect(flagsOf(SEND_FAST_ZERO)).toBe(HAS_FLAGS);
  expect(flagsOf(SEND_FAST_ZERO | SEND_WRITE_ZEROES)).toBe(
    HAS_FLAGS | SEND_FAST_ZERO | SEND_WRITE_ZEROES,
  );
});

test('a size of 2^63 - 1 bytes is told to the last one', () => {
  const also = [
    {
      name: 'x',
      size: 2n ** 63n - 1n,
      flags: 1,
      blockSize: { minimum: 1, preferred: 512, maximumPayload: 1 },
    },
  ];
  const { output } = haggle(said(option(Option.GO, infoData('x'))), [], { also });
  expect(output.readBigUInt64BE(22)).toBe(2n ** 63n - 1n);
});

/** A conversation in literal bytes: what the client says, and all that the server answers. */
const conversations: readonly [string, string, string][] = [
  [
    'EXTENDED_HEADERS, and STRUCTURED_REPLY after it',
    '00000003 49484156454f5054 0000000b 00000000 49484156454f5054 00000008 00000000',
    `0003e889045565a9 0000000b 00000001 00000000
     0003e889045565a9 00000008 8000000a 00000029
     657874656e646564206865616465727320696d706c792073747275637475726564207265706c696573`,
  ],
  [
    'STARTTLS without TLS, then ABORT',
    '00000003 49484156454f5054 00000005 00000000 49484156454f5054 00000002 00000000',
    `0003e889045565a9 00000005 80000002 0000001c
     7468697320736572766572 20646f6573206e6f742075736520544c53
     0003e889045565a9 00000002 00000001 00000000`,
  ],
  [
    'LIST',
    '00000001 49484156454f5054 00000003 00000000',
    `0003e889045565a9 00000003 00000002 0000000e 00000004 6469736b 61206469736b
     0003e889045565a9 00000003 00000002 00000010 00000006 c3bc2f626572 61206469736b
     0003e889045565a9 00000003 00000001 00000000`,
  ],
  [
    'GO with the block sizes',
    '00000003 49484156454f5054 00000007 0000000c 00000004 6469736b 0001 0003',
    `0003e889045565a9 00000007 00000003 0000000c 0000 0000010000000200 016d
     0003e889045565a9 00000007 00000003 0000000e 0003 00000200 00001000 04000000
     0003e889045565a9 00000007 00000001 00000000`,
  ],
  ['EXPORT_NAME', '00000003 49484156454f5054 00000001 00000000', '0000010000000200 016d'],
];

test.each(conversations)('in bytes, at any cut: %s', (_, said_, answered) => {
  const bytes = hex(said_);
  const expected = hex(answered.replaceAll('\n', '')).toString('hex');
  for (const cuts of allCuts(bytes.length)) {
    expect(haggle(bytes, cuts, options).output.toString('hex')).toBe(expected);
  }
});

test('LISTs whose answers nobody could read are an attack', () => {
  const also = Array.from({ length: 100 }, (_, i) => ({
    name: `${i}`.padEnd(4000, 'x'),
    size: 1,
    flags: 1,
    blockSize: { minimum: 1, preferred: 512, maximumPayload: 1 },
  }));
  const lists = Array.from({ length: 1000 }, () => option(Option.LIST));
  const { state, output, reason } = haggle(Buffer.concat([FIXED, ...lists]), [], { also });
  expect({ state, reason }).toEqual({ state: 'closed', reason: 'too many answers' });
  expect(output.length).toBeLessThanOrEqual(handshakeLimits.outputBytes.max);
});

test.each(forms)('info-then-go: INFO right before GO says the same, in the form %s', (form) => {
  const flags = 0x1fff;
  const blockSize = { minimum: 1, preferred: 512, maximumPayload: 1 };
  const also = [{ name: 'x', size: 4096, flags, description: 'd', blockSize }];
  const set = contextOption(Option.SET_META_CONTEXT, 'x', 'base:allocation');
  for (const selecting of [[], [set]]) {
    const asked = [Option.INFO, Option.GO].map((one) => option(one, infoData('x', [1, 2, 3, 9])));
    const bytes = said(...before[form], ...selecting, ...asked);
    const { output } = haggle(bytes, [], { ...options, also });
    const said_ = replies(output).filter(([, type]) => type === INFO);
    expect(said_.length).toBe(8);
    const [info, go] = [said_.slice(0, 4), said_.slice(4)];
    expect(go.map(([, , data]) => data)).toEqual(info.map(([, , data]) => data));
  }
});

test('extent-lengths: the longest extents and holes are whole blocks of every size', () => {
  for (const form of forms) {
    const { extentMax } = new ReplyEncoder(form);
    expect(extentMax % 65_536).toBe(0);
    expect(extentMax).toBeLessThan(form === 'extended' ? 2 ** 53 : 2 ** 32);
  }
  expect(HOLE_MAX % 65_536).toBe(0);
});

test('a server of simple replies alone knows neither chunks nor contexts', () => {
  const query = (number: number) => contextOption(number, 'disk', 'base:allocation');
  const { output, agreed } = haggle(
    said(
      option(Option.STRUCTURED_REPLY),
      option(Option.EXTENDED_HEADERS),
      query(Option.LIST_META_CONTEXT),
      query(Option.SET_META_CONTEXT),
      option(Option.GO, infoData('disk')),
    ),
    [],
    { structuredReplies: false, contexts: true },
  );
  const { ERR_UNSUP, INFO, ACK } = OptionReply;
  expect(types(output)).toEqual([ERR_UNSUP, ERR_UNSUP, ERR_UNSUP, ERR_UNSUP, INFO, ACK]);
  expect(agreed).toMatchObject({ replyForm: 'simple', contexts: [] });
  expect((agreed?.flags ?? 0) & TransmissionFlag.SEND_DF).toBe(0);
});
