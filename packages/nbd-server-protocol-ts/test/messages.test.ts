/** Every message of the transmission phase as literal bytes of the specification, written and read,
 *  and cut at every place. */

import { describe, expect, test } from 'vitest';
import {
  BlockStatusPayload,
  ChunkFlag,
  Command,
  DecodeStatus,
  decodeBlockStatusPayload,
  decodeExtendedRequest,
  decodeRequest,
  encodeBlockStatusPayload,
  encodeExtendedRequest,
  encodeRequest,
  ReplyEncoder,
  type ReplyForm,
  RequestHeader,
} from '../src/index.ts';
import { decodeReplies, inFlight, type Told } from './events.ts';
import { allCuts, hex } from './haggle.ts';

const memory = new Uint8Array(8192);
const view = new DataView(memory.buffer);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function written(bytes: number): string {
  return Buffer.from(memory.subarray(0, bytes)).toString('hex');
}

const requests: readonly [string, string, Partial<RequestHeader>][] = [
  [
    'compact READ',
    '25609513 0000 0000 0102030405060708 0000010000000200 00001000',
    {
      command: 0,
      cookieHigh: 0x01020304,
      cookieLow: 0x05060708,
      offset: 2 ** 40 + 512,
      length: 4096,
    },
  ],
  [
    'compact WRITE with FUA',
    '25609513 0001 0001 ffffffffffffffff 0000000000000007 ffffffff',
    {
      command: 1,
      flags: 1,
      cookieHigh: 2 ** 32 - 1,
      cookieLow: 2 ** 32 - 1,
      offset: 7,
      length: 2 ** 32 - 1,
    },
  ],
  [
    'extended WRITE with PAYLOAD_LEN',
    '21e41c71 0020 0001 0000000000000000 0000000000000200 0000000000000400',
    { command: 1, flags: 32, offset: 512, length: 1024 },
  ],
  [
    'extended TRIM of 1 TiB',
    '21e41c71 0000 0004 8000000000000001 0000000100000000 0000010000000000',
    { command: 4, cookieHigh: 0x8000_0000, cookieLow: 1, offset: 2 ** 32, length: 2 ** 40 },
  ],
];

describe.each(requests)('the request %s', (name, text, fields) => {
  const bytes = hex(text);
  const extended = name.startsWith('extended');
  const decode = extended ? decodeExtendedRequest : decodeRequest;

  test('is written', () => {
    const header = Object.assign(new RequestHeader(), fields);
    const length = (extended ? encodeExtendedRequest : encodeRequest)(view, 0, header);
    expect(written(length)).toBe(bytes.toString('hex'));
  });

  test('is read, and incomplete before its last byte', () => {
    const header = new RequestHeader();
    for (let end = 0; end < bytes.length; end++) {
      expect(decode(viewOf(bytes), 0, end, header)).toBe(DecodeStatus.INCOMPLETE);
    }
    expect(decode(viewOf(bytes), 0, bytes.length, header)).toBe(DecodeStatus.REQUEST);
    expect(header).toMatchObject(fields);
  });

  test('is not a request of the other form', () => {
    const other = extended ? decodeRequest : decodeExtendedRequest;
    for (let end = 4; end <= bytes.length; end++) {
      expect(other(viewOf(bytes), 0, end, new RequestHeader())).toBe(DecodeStatus.BAD_MAGIC);
    }
  });
});

test('the payload of a BLOCK_STATUS', () => {
  const bytes = hex('0000010000000000 00000002 00000007');
  expect(written(encodeBlockStatusPayload(view, 0, 2 ** 40, [2, 7]))).toBe(bytes.toString('hex'));
  const contexts = [2, 5, 7].map((id) => ({ id, name: `x-a:${id}` }));
  const payload = new BlockStatusPayload();
  expect(decodeBlockStatusPayload(viewOf(bytes), 0, 16, contexts, payload)).toBe(true);
  expect(payload).toMatchObject({ effectLength: 2 ** 40, ids: [2, 7] });
  for (let length = 0; length < 16; length++) {
    const valid = decodeBlockStatusPayload(viewOf(bytes), 0, length, contexts, payload);
    expect(valid, `${length} bytes`).toBe(length === 12);
  }
});

test.each([
  ['no ids', '0000000000000200', false],
  ['an id that was not selected', '0000000000000200 00000003', false],
  ['an id twice', '0000000000000200 00000002 00000002', false],
  ['more ids than contexts', '0000000000000200 00000002 00000007 00000005 00000005', false],
  ['half an id', '0000000000000200 00000002 0000', false],
  ['all ids', '0000000000000200 00000007 00000005 00000002', true],
])('a BLOCK_STATUS payload with %s', (_, text, valid) => {
  const bytes = hex(text);
  const contexts = [2, 5, 7].map((id) => ({ id, name: `x-a:${id}` }));
  const payload = new BlockStatusPayload();
  expect(decodeBlockStatusPayload(viewOf(bytes), 0, bytes.length, contexts, payload)).toBe(valid);
});

/** The request that the replies below answer: cookie 0x0000000a00000001, at 2^40 + 512. */
const read = Object.assign(inFlight(Command.READ, 1, 2 ** 40 + 512, 8192), { cookieHigh: 10 });
const status = Object.assign(new RequestHeader(), read, { command: Command.BLOCK_STATUS });
const write = Object.assign(new RequestHeader(), read, { command: Command.WRITE });
const text = Buffer.from('nö');

type Write = (encoder: ReplyEncoder) => number;
const COOKIE = '0000000a00000001';
const OFFSET = '0000010000000200';

/** form, name, bytes, how it is written, the request it answers, what a client is told. */
const replies: readonly [ReplyForm, string, string, Write, RequestHeader, Told[]][] = [
  ['simple', 'success', `67446698 00000000 ${COOKIE}`, (e) => e.done(view, 0, write), write, []],
  [
    'structured',
    'success',
    `668e33ef 0001 0000 ${COOKIE} 00000000`,
    (e) => e.done(view, 0, write),
    write,
    [],
  ],
  [
    'extended',
    'success',
    `6e8a278c 0001 0000 ${COOKIE} ${OFFSET} 0000000000000000`,
    (e) => e.done(view, 0, write),
    write,
    [],
  ],
  [
    'simple',
    'error',
    `67446698 00000005 ${COOKIE}`,
    (e) => e.error(view, memory, 0, read, 5, text),
    read,
    [['error', 1, 5, '', -1]],
  ],
  [
    'structured',
    'error',
    `668e33ef 0001 8001 ${COOKIE} 00000009 00000005 0003 6ec3b6`,
    (e) => e.error(view, memory, 0, read, 5, text),
    read,
    [['error', 1, 5, 'nö', -1]],
  ],
  [
    'extended',
    'error',
    `6e8a278c 0001 8001 ${COOKIE} ${OFFSET} 0000000000000009 00000005 0003 6ec3b6`,
    (e) => e.error(view, memory, 0, read, 5, text),
    read,
    [['error', 1, 5, 'nö', -1]],
  ],
  [
    'structured',
    'error at an offset',
    `668e33ef 0001 8002 ${COOKIE} 00000011 00000005 0003 6ec3b6 0000010000001200`,
    (e) => e.errorAt(view, memory, 0, ChunkFlag.DONE, read, 5, text, 4096),
    read,
    [['error', 1, 5, 'nö', 4096]],
  ],
  [
    'extended',
    'error at an offset',
    `6e8a278c 0001 8002 ${COOKIE} ${OFFSET} 0000000000000011 00000005 0003 6ec3b6 0000010000001200`,
    (e) => e.errorAt(view, memory, 0, ChunkFlag.DONE, read, 5, text, 4096),
    read,
    [['error', 1, 5, 'nö', 4096]],
  ],
  [
    'structured',
    'hole',
    `668e33ef 0001 0002 ${COOKIE} 0000000c 0000010000001200 00001000`,
    (e) => e.hole(view, 0, ChunkFlag.DONE, read, 4096, 4096),
    read,
    [['hole', 1, 4096, 4096]],
  ],
  [
    'extended',
    'hole',
    `6e8a278c 0001 0002 ${COOKIE} ${OFFSET} 000000000000000c 0000010000001200 00001000`,
    (e) => e.hole(view, 0, ChunkFlag.DONE, read, 4096, 4096),
    read,
    [['hole', 1, 4096, 4096]],
  ],
  [
    'structured',
    'data',
    `668e33ef 0001 0001 ${COOKIE} 0000000b 0000010000000201 414243`,
    (e) => e.data(view, 0, ChunkFlag.DONE, read, 1, 3) + put('ABC', e.dataHeadBytes),
    read,
    [['data', 1, 1, '414243']],
  ],
  [
    'extended',
    'data',
    `6e8a278c 0001 0001 ${COOKIE} ${OFFSET} 000000000000000b 0000010000000201 414243`,
    (e) => e.data(view, 0, ChunkFlag.DONE, read, 1, 3) + put('ABC', e.dataHeadBytes),
    read,
    [['data', 1, 1, '414243']],
  ],
  [
    'structured',
    'block status',
    `668e33ef 0001 0005 ${COOKIE} 00000014 00000003 00001000 00000003 00000200 00000000`,
    (e) => e.status(view, 0, ChunkFlag.DONE, status, 3, 2) + putExtents(e),
    status,
    [
      ['extent', 1, 3, 4096, 0, 3],
      ['extent', 1, 3, 512, 0, 0],
    ],
  ],
  [
    'extended',
    'block status',
    `6e8a278c 0001 0006 ${COOKIE} ${OFFSET} 0000000000000028 00000003 00000002
     0000000000001000 0000000700000003 0000000000000200 0000000000000000`,
    (e) => e.status(view, 0, ChunkFlag.DONE, status, 3, 2) + putExtents(e),
    status,
    [
      ['extent', 1, 3, 4096, 7, 3],
      ['extent', 1, 3, 512, 0, 0],
    ],
  ],
];

function put(data: string, at: number): number {
  memory.set(Buffer.from(data), at);
  return data.length;
}

function putExtents(encoder: ReplyEncoder): number {
  const first = encoder.extent(view, encoder.statusHeadBytes, 4096, 7, 3);
  return first + encoder.extent(view, encoder.statusHeadBytes + first, 512, 0, 0);
}

test.each([
  [2 ** 53, 1, '0020000000000001'],
  [2 ** 62, 4095, '4000000000000fff'],
  [2 ** 63 - 4096, 4095, '7fffffffffffffff'],
  [2 ** 32 - 4096, 4096, '0000000100000000'],
])('an extent of %d and %i bytes more has all of its 64 bits', (length, rest, bits) => {
  const bytes = new ReplyEncoder('extended').extent(view, 0, length, 0, 3, rest);
  expect(written(bytes)).toBe(`${bits}0000000000000003`);
});

describe.each(replies)('the %s %s', (form, _, bytesText, encode, request, told) => {
  const bytes = hex(bytesText.replaceAll('\n', ''));

  test('is written', () => {
    expect(written(encode(new ReplyEncoder(form)))).toBe(bytes.toString('hex'));
  });

  test('is read at every cut', () => {
    for (const cuts of allCuts(bytes.length)) {
      const decoded = decodeReplies(form, [request], bytes, cuts);
      expect(decoded).toEqual({ told: [...told, ['done', 1]], failure: undefined, between: true });
    }
  });
});

test('a simple reply to a READ is the header and all data', () => {
  const encoder = new ReplyEncoder('simple');
  const request = inFlight(Command.READ, 1, 512, 3);
  const length = encoder.data(view, 0, ChunkFlag.DONE, request, 0, 3) + put('ABC', 16);
  const bytes = memory.slice(0, length);
  expect(written(length)).toBe(hex('67446698 00000000 0000000000000001 414243').toString('hex'));
  for (const cuts of allCuts(length)) {
    const { told } = decodeReplies('simple', [request], bytes, cuts);
    expect(told).toEqual([
      ['data', 1, 0, '414243'],
      ['done', 1],
    ]);
  }
});
