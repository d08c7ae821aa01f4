/** Requests and replies as bytes of their own are those that are written into a buffer. */

import { expect, test } from 'vitest';
import {
  ChunkFlag,
  Command,
  disconnectBytes,
  encodeExtendedRequest,
  encodeRequest,
  NbdError,
  ReplyBytes,
  ReplyDecoder,
  ReplyEncoder,
  RequestHeader,
  requestBytes,
} from '../src/index.ts';

const memory = new Uint8Array(8192);
const view = new DataView(memory.buffer);
const written = (length: number): string => Buffer.from(memory.subarray(0, length)).toString('hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const forms = ['simple', 'structured', 'extended'] as const;

function header(fields: Partial<RequestHeader>): RequestHeader {
  return Object.assign(new RequestHeader(), fields);
}

test.each([
  ['compact', false, encodeRequest],
  ['extended', true, encodeExtendedRequest],
])('%s requests', (_, extended, encode) => {
  const fields = { command: Command.WRITE, flags: 1, cookieLow: 7, offset: 2 ** 40, length: 512 };
  const bytes = requestBytes(header(fields), extended);
  expect(hex(bytes)).toBe(written(encode(view, 0, header(fields))));
  const goodbye = written(encode(view, 0, header({ command: Command.DISC })));
  expect(hex(disconnectBytes(extended))).toBe(goodbye);
});

test.each(forms)('%s replies', (form) => {
  const to = header({ cookieHigh: 1, cookieLow: 2, offsetLow: 4096, offset: 4096, length: 3 });
  const [replies, encoder] = [new ReplyBytes(form), new ReplyEncoder(form)];
  expect(hex(replies.done(to))).toBe(written(encoder.done(view, 0, to)));
  const words = Buffer.from('nein: \u00e4');
  const failed = encoder.error(view, memory, 0, to, NbdError.EIO, words);
  expect(hex(replies.error(to, NbdError.EIO, 'nein: \u00e4'))).toBe(written(failed));
  const plain = encoder.error(view, memory, 0, to, NbdError.EIO);
  expect(hex(replies.error(to, NbdError.EIO))).toBe(written(plain));
  const head = encoder.data(view, 0, ChunkFlag.DONE, to, 0, 3);
  memory.set([1, 2, 3], head);
  expect(hex(replies.data(to, Uint8Array.of(1, 2, 3)))).toBe(written(head + 3));
});

test('a text above 4096 bytes is cut', () => {
  const bytes = new ReplyBytes('structured').error(header({}), NbdError.EIO, 'x'.repeat(10_000));
  expect(bytes).toHaveLength(20 + 6 + 4096);
});

test('without words for holes they are told as data, all of them and in order', () => {
  const read = header({ command: Command.READ, length: 200_000 });
  const pieces: [number, number][] = [];
  const decoder = new ReplyDecoder('structured', {
    find: () => read,
    data: (_, delta, bytes, start, end) => {
      expect(bytes.subarray(start, end).every((byte) => byte === 0)).toBe(true);
      pieces.push([delta, end - start]);
    },
    error: () => {},
    done: () => pieces.push([-1, -1]),
  });
  const length = new ReplyEncoder('structured').hole(view, 0, ChunkFlag.DONE, read, 0, 200_000);
  expect(decoder.receive(memory, 0, length)).toBeUndefined();
  expect(pieces).toEqual([
    ...[
      [0, 65_536],
      [65_536, 65_536],
    ],
    ...[
      [131_072, 65_536],
      [196_608, 3392],
    ],
    [-1, -1],
  ]);
});
