/** The journal's format: literal bytes, cut at every place; broken files; a round trip of anything. */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import { encodeHeader, encodeRecord } from '../../src/journal/encoder.ts';
import {
  Command,
  JournalError,
  type JournalHeader,
  type JournalRecord,
  Kind,
} from '../../src/journal/format.ts';

const header: JournalHeader = {
  ...{ size: 4096, block: 512, cache: true, fua: true, atomic: 512, multiConnection: false },
  ...{ seed: 7, name: 'a' },
};

const HEADER_TEXT =
  '{"size":4096,"block":512,"cache":true,"fua":true,"atomic":512,"multiConnection":false,"seed":7,"name":"a"}';

function record(over: Partial<JournalRecord>): JournalRecord {
  return {
    ...{ kind: Kind.arrived, command: Command.write, flags: 0, client: 0, id: 0n, sector: 0 },
    ...{ sectors: 0, errno: 0, ns: 0n, payload: new Uint8Array(0) },
    ...over,
  };
}

function bytesOf(head: JournalHeader, records: readonly JournalRecord[]): Uint8Array {
  return Buffer.concat([
    encodeHeader(head),
    ...records.flatMap((one) => [encodeRecord(one), one.payload]),
  ]);
}

function decode(...pieces: readonly Uint8Array[]): {
  header: JournalHeader;
  records: JournalRecord[];
} {
  const decoder = new JournalDecoder();
  const records = pieces.flatMap((piece) => [...decoder.push(piece)]);
  decoder.end();
  return { header: decoder.header, records };
}

const write = record({
  ...{ flags: 1, client: 2, id: 0x0102030405060708n, sector: 3, sectors: 1, ns: 9n },
  payload: new Uint8Array(512).fill(0xaa),
});

test('header and records are the bytes that docs/journal.md says', () => {
  const head = Buffer.from(encodeHeader(header));
  expect(head.subarray(0, 8).toString()).toBe('TNULLJ1\n');
  expect(head.readUInt32LE(8)).toBe(HEADER_TEXT.length);
  expect(head.subarray(12).toString()).toBe(HEADER_TEXT);
  const hex = Buffer.from(encodeRecord(write)).toString('hex');
  expect(hex).toBe(
    '01010100' +
      '02000000' +
      '0807060504030201' +
      '0300000000000000' +
      '0100000000000000' +
      '00000000' +
      '00020000' +
      '0900000000000000',
  );
  const failed = record({ kind: Kind.answered, errno: -5 });
  expect(Buffer.from(encodeRecord(failed)).readInt32LE(32)).toBe(-5);
});

test('bytes cut at any place give the same records', () => {
  const mark = record({ kind: Kind.mark, payload: new TextEncoder().encode('commit 17') });
  const records = [
    record({ kind: Kind.base, sector: 7, sectors: 1, payload: new Uint8Array(512).fill(1) }),
    record({ kind: Kind.connected, client: 2 }),
    ...[write, mark, record({ kind: Kind.answered, client: 2, id: write.id, errno: -5 })],
    record({ command: Command.flush, id: 2n }),
    record({ kind: Kind.disconnected, client: 2 }),
  ];
  const bytes = bytesOf(header, records);
  for (let at = 0; at <= bytes.length; at++) {
    const cut = decode(bytes.subarray(0, at), bytes.subarray(at));
    expect(isDeepStrictEqual(cut, { header, records }), `cut at ${at}`).toBe(true);
  }
});

test('any records come back', () => {
  const command = fc.constantFrom(...Object.values(Command));
  const one = fc.record({
    ...{ kind: fc.constantFrom(Kind.arrived, Kind.answered), command },
    ...{ flags: fc.nat(3), client: fc.nat(2 ** 32 - 1), id: fc.bigInt(0n, 2n ** 64n - 1n) },
    ...{ sector: fc.nat(7), sectors: fc.constantFrom(0, 1), errno: fc.integer() },
    ...{ ns: fc.bigInt(0n, 2n ** 64n - 1n) },
  });
  fc.assert(
    fc.property(fc.array(one), fc.nat(), (some, cut) => {
      const records = some.map((each) => {
        const hasData = each.kind === Kind.arrived && each.command === Command.write;
        return record({ ...each, payload: new Uint8Array(hasData ? each.sectors * 512 : 0) });
      });
      const bytes = bytesOf(header, records);
      const at = cut % (bytes.length + 1);
      expect(decode(bytes.subarray(0, at), bytes.subarray(at))).toEqual({ header, records });
    }),
  );
});

function headerOf(text: string): Uint8Array {
  const bytes = Buffer.alloc(12 + Buffer.byteLength(text));
  bytes.write('TNULLJ1\n', 0);
  bytes.writeUInt32LE(Buffer.byteLength(text), 8);
  bytes.write(text, 12);
  return bytes;
}

test('a header may leave out what has a default', () => {
  expect(decode(headerOf('{"size":1024}')).header).toEqual({
    ...{ size: 1024, block: 512, cache: true, fua: true, atomic: 512, multiConnection: false },
    ...{ seed: 0, name: '' },
  });
  const more = '{"size":8192,"block":4096,"cache":0,"fua":1,"atomic":0,"later":[1]}';
  const { block, cache, fua, atomic } = decode(headerOf(more)).header;
  expect({ block, cache, fua, atomic }).toEqual({
    ...{ block: 4096, cache: false, fua: true, atomic: 4096 },
  });
});

function one(over: Partial<JournalRecord>): Uint8Array {
  return bytesOf(header, [record(over)]);
}

/** With a length of the payload that is not the payload's. */
function claimed(over: Partial<JournalRecord>, length: number): Uint8Array {
  const bytes = Buffer.from(one(over));
  bytes.writeUInt32LE(length, bytes.length - 12);
  return bytes;
}

const at = encodeHeader(header).length;

describe('a broken file is one line', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'cut off in its header'],
    ['text', Buffer.from('hello, world'), 'not a journal: it does not begin with TNULLJ1'],
    ['a long header', Buffer.from('TNULLJ1\n\xff\xff\xff\xff', 'latin1'), 'at most 65536'],
    ['a cut header', headerOf('{"size":1}').subarray(0, 15), 'cut off in its header'],
    ['no JSON', headerOf('{size}'), 'header: must be a JSON object'],
    ['a list', headerOf('[]'), 'header: must be a JSON object'],
    ['no size', headerOf('{}'), 'header: size is missing'],
    ['a size of text', headerOf('{"size":"1"}'), 'header: size: must be a whole number below 2^53'],
    ['a block of 1000', headerOf('{"size":1,"block":1000}'), 'block=1000: must be a power of two'],
    ['a block of 128 MiB', headerOf('{"size":1,"block":134217728}'), 'from 512 to 67108864'],
    ['atomic of 1.5 blocks', headerOf('{"size":1,"atomic":768}'), 'atomic=768: must be a multiple'],
    ['a seed', headerOf('{"size":1,"seed":[]}'), 'header: seed: must be a number or a text'],
    ['cache as text', headerOf('{"size":1,"cache":"on"}'), 'header: cache: must be true or false'],
    ['a type', claimed({}, 0).fill(9, at, at + 1), `record 0 (at byte ${at}): type 9: must be`],
    ['a command', one({ command: 13 }), 'command 13: must be 1, 2, 3 or 9'],
    ['flags', one({ flags: 8 }), 'flags 0x8: unknown'],
    [
      'a range',
      one({ command: Command.discard, sector: 7, sectors: 2 }),
      "beyond the device's end",
    ],
    ['a far range', one({ command: Command.discard, sector: 2 ** 63 }), "beyond the device's end"],
    ['a payload', claimed({ sectors: 1 }, 511), 'a payload of 511 bytes: must be 512'],
    ['an idle payload', claimed({ kind: Kind.answered }, 1), 'a payload of 1 bytes: must be 0'],
    ['a long mark', claimed({ kind: Kind.mark }, 4097), 'a mark of 4097 bytes, at most 4096'],
    [
      'a base behind a command',
      bytesOf(header, [record({}), record({ kind: Kind.base })]),
      `record 1 (at byte ${at + 48}): data of the base behind a command`,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => decode(bytes)).toThrow(JournalError);
    expect(() => decode(bytes)).toThrow(message);
  });
});

test('a file that ends within a record is a journal up to there', () => {
  const last = record({ kind: Kind.answered, id: write.id });
  const bytes = bytesOf(header, [write, last]);
  for (let length = at; length <= bytes.length; length++) {
    const decoder = new JournalDecoder();
    const records = [...decoder.push(bytes.subarray(0, length))];
    const whole = length < at + 560 ? 0 : length < at + 608 ? 1 : 2;
    expect(records).toHaveLength(whole);
    const end = [at, at + 560, at + 608][whole];
    const said = `cut off in record ${whole}: the first ${end} bytes are a whole journal`;
    expect(decoder.end()).toBe(length === end ? undefined : said);
  }
});

test('whatever the bytes, the answer is records or one line', () => {
  const good = bytesOf(header, [write, record({ kind: Kind.answered, id: write.id })]);
  const spoil = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(spoil, fc.nat(good.length), (changes, length) => {
      const bytes = good.slice();
      for (const [place, value] of changes) bytes[place] = value;
      try {
        decode(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(JournalError);
        expect(String(error)).not.toContain('\n');
      }
    }),
  );
});
