/** Options that are malformed, too long or hostile: refused in sync, or the end. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeOption,
  handshakeLimits,
  Option,
  OptionReply,
  ServerHandshake,
} from '../src/index.ts';
import {
  concat,
  contextOption,
  contexts,
  disk,
  FIXED,
  feed,
  type HostOptions,
  haggle,
  host,
  infoData,
  lyingOption,
  NOTHING,
  replies,
  types,
} from './haggle.ts';

const { ACK, SERVER, ERR_INVALID, ERR_UNSUP, ERR_UNKNOWN, ERR_TOO_BIG } = OptionReply;
const LIST = encodeOption(Option.LIST, NOTHING);
const LISTED = [SERVER, SERVER, ACK];

describe('false-lengths: lengths inside INFO and GO that do not fit', () => {
  const lengths = [0, 3, 5];
  test.each(lengths)('an option of %i bytes', (length) => {
    for (const option of [Option.INFO, Option.GO]) {
      const { output } = haggle(
        concat([FIXED, encodeOption(option, new Uint8Array(length)), LIST]),
      );
      expect(types(output)).toEqual([ERR_INVALID, ...LISTED]);
    }
  });

  test.each([1, 5, 0xffff, 0x7fff_ffff, 0xffff_fffa, 0xffff_ffff])(
    'a name of %i bytes',
    (length) => {
      const data = infoData('disk');
      data.writeUInt32BE(length, 0);
      const { output } = haggle(concat([FIXED, encodeOption(Option.GO, data), LIST]));
      expect(types(output)).toEqual([ERR_INVALID, ...LISTED]);
    },
  );

  test.each([1, 0xffff])('%i requests for information that are not there', (count) => {
    const data = infoData('disk');
    data.writeUInt16BE(count, data.length - 2);
    const { output } = haggle(concat([FIXED, encodeOption(Option.INFO, data), LIST]));
    expect(types(output)).toEqual([ERR_INVALID, ...LISTED]);
  });

  test('bytes behind the last request for information', () => {
    const data = concat([infoData('disk', [3]), Buffer.from([0])]);
    const { output } = haggle(concat([FIXED, encodeOption(Option.GO, data), LIST]));
    expect(types(output)).toEqual([ERR_INVALID, ...LISTED]);
  });
});

describe('refused-option-data, unknown-option-data: an option that is refused is consumed whole', () => {
  test.each([0, 1, 1000, 65_536, 65_537, handshakeLimits.optionBytesDrained.max])(
    'an unknown one with %i bytes',
    (length) => {
      const data = new Uint8Array(length).fill(0x49); // looks like the beginning of a magic
      const { output } = haggle(concat([FIXED, encodeOption(77, data), LIST]));
      expect(types(output)).toEqual([ERR_UNSUP, ...LISTED]);
    },
  );

  test('a known one above 64 KiB is too big', () => {
    const data = new Uint8Array(65_537);
    const { output } = haggle(concat([FIXED, encodeOption(Option.GO, data), LIST]));
    expect(types(output)).toEqual([ERR_TOO_BIG, ...LISTED]);
  });

  test('one that claims more than is reasonable ends the connection at its header', () => {
    const { state, reason } = haggle(concat([FIXED, lyingOption(77, 0xffff_ffff, NOTHING)]));
    expect(state).toBe('closed');
    expect(reason).toContain('4294967295');
  });
});

test.each([
  ['LIST', Option.LIST, ERR_INVALID],
  ['STRUCTURED_REPLY', Option.STRUCTURED_REPLY, ERR_INVALID],
  ['STARTTLS', Option.STARTTLS, ERR_INVALID],
  ['EXTENDED_HEADERS', Option.EXTENDED_HEADERS, ERR_UNSUP],
])('unwanted-data: %s with data', (_, option, error) => {
  const { output } = haggle(concat([FIXED, encodeOption(option, Buffer.from('data')), LIST]));
  expect(types(output)).toEqual([error, ...LISTED]);
});

test.each([0, 4, 100_000])('abort: ABORT with %i bytes of data is an orderly goodbye', (length) => {
  const bytes = concat([FIXED, encodeOption(Option.ABORT, new Uint8Array(length)), LIST]);
  const { output, state, orderly } = haggle(bytes);
  expect(types(output)).toEqual([ACK]);
  expect({ state, orderly }).toEqual({ state: 'closed', orderly: true });
});

describe('names: names', () => {
  test.each([
    ['with a NUL', Buffer.from('di\0sk'), ERR_INVALID],
    ['that are not UTF-8', Buffer.from([0xff, 0xfe]), ERR_INVALID],
    ['of 4097 bytes', Buffer.alloc(4097, 'x'), ERR_INVALID],
    ['of 4096 bytes', Buffer.alloc(4096, 'x'), ERR_UNKNOWN],
  ])('%s', (_, name, error) => {
    const { output } = haggle(concat([FIXED, encodeOption(Option.INFO, infoData(name)), LIST]));
    expect(types(output)).toEqual([error, ...LISTED]);
    const [, , text] = replies(output)[0] ?? [0, 0, Buffer.alloc(0)];
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThanOrEqual(4096);
  });

  test.each([
    ['controls of a terminal', '\x1b[2J\r\n\x9bm\u2028', '?[2J???m?'],
    ['a pair that 80 characters would cut', `${'a'.repeat(79)}\u{1f600}`, `${'a'.repeat(79)}...`],
  ])('are quoted in answers without harm: %s', (_, name, said) => {
    const { output } = haggle(concat([FIXED, encodeOption(Option.INFO, infoData(name))]));
    const [, , text] = replies(output)[0] ?? [0, 0, Buffer.alloc(0)];
    expect(Buffer.from(text).toString()).toBe(`there is no export '${said}'`);
  });

  test.each([
    Buffer.from('di\0sk'),
    Buffer.from([0xff]),
    Buffer.alloc(4097, 'x'),
    Buffer.alloc(70_000),
  ])('malformed in EXPORT_NAME end the connection', (name) => {
    const { state, output } = haggle(concat([FIXED, encodeOption(Option.EXPORT_NAME, name)]));
    expect({ state, bytes: output.length }).toEqual({ state: 'closed', bytes: 0 });
  });
});

test.each([
  ['unknown client flags', Buffer.from([0, 0, 0, 7])],
  ['a wrong magic', concat([FIXED, Buffer.alloc(16, 'x')])],
  ['options of a client without fixed newstyle', concat([new Uint8Array(4), LIST])],
])('%s end the connection', (_, bytes) => {
  expect(haggle(bytes)).toMatchObject({ state: 'closed', orderly: false });
});

describe('haggling without end is ended', () => {
  /** With so many exports beside the two that are always there. */
  const exports = (count: number): HostOptions => ({
    also: Array.from({ length: count }, (_, n) => ({ ...disk, name: `disk${n}` })),
  });

  test.each([0, 1, 500, 10_000])(
    'by the number of options, which grows with exports: %i more',
    (n) => {
      const { options, optionsPerExport } = handshakeLimits;
      const length = options.max + optionsPerExport.max * (n + 2);
      const one = encodeOption(77, NOTHING);
      const many = concat([FIXED, Buffer.alloc(length * one.length, one)]);
      const { state, output, handshake } = haggle(many, [], exports(n));
      expect(state).toBe('haggling');
      expect(output.length).toBe(length * (20 + 'the option is not supported'.length));
      const over = feed(handshake, LIST);
      expect(over).toMatchObject({ state: 'closed', orderly: false, reason: 'too much haggling' });
    },
  );

  test.each([0, 1, 500])('by their bytes: %i exports more', (n) => {
    const { bytesInAll, bytesPerExport, optionBytesDrained } = handshakeLimits;
    let left = bytesInAll.max + bytesPerExport.max * (n + 2);
    const parts: Uint8Array[] = [FIXED];
    while (left >= 16) {
      const data = Math.min(optionBytesDrained.max, left - 16);
      parts.push(encodeOption(77, new Uint8Array(data)));
      left -= 16 + data;
    }
    const { state, handshake } = haggle(concat(parts), [], exports(n));
    expect(state).toBe('haggling');
    expect(feed(handshake, LIST).state).toBe('closed');
  });

  test('who asks for each of 10,000 exports is answered', () => {
    const asked = Array.from({ length: 10_000 }, (_, n) => [
      contextOption(Option.LIST_META_CONTEXT, `disk${n}`),
      encodeOption(Option.INFO, infoData(`disk${n}`, [1, 2, 3])),
    ]);
    const go = encodeOption(Option.GO, infoData('disk9999'));
    const bytes = concat([FIXED, LIST, ...asked.flat(), go]);
    const found = new Map(exports(10_000).also?.map((one) => [one.name, one]));
    const many = { ...host(), list: () => [...found.values()], contexts: () => contexts };
    const handshake = new ServerHandshake({ ...many, find: (name) => found.get(name) });
    const { state, output } = feed(handshake, bytes);
    expect(state).toBe('transmission');
    const answers = replies(output);
    const names = answers
      .filter(([option, type]) => option === Option.LIST && type === SERVER)
      .map(([, , data]) => data.toString('utf8', 4, 4 + data.readUInt32BE(0)));
    expect(names).toEqual([...found.keys()]);
    expect(answers.filter(([, type]) => type === ACK)).toHaveLength(20_002);
  });

  test('a name as long as one may be, many times, in any script', () => {
    const names = Array.from({ length: 100 }, (_, n) => `${'ü€😀x'.repeat(n * 4)}${n}`);
    const also = names.map((name) => ({ ...disk, name, description: name.toUpperCase() }));
    const listed = replies(haggle(concat([FIXED, LIST]), [], { also }).output).slice(2, -1);
    expect(listed.map(([, , data]) => data.subarray(4).toString())).toEqual(
      also.map(({ name, description }) => name + description),
    );
    expect(listed.map(([, , data]) => data.readUInt32BE(0))).toEqual(
      names.map((name) => Buffer.byteLength(name)),
    );
  });
});

const options = fc.oneof(
  fc.tuple(fc.constantFrom(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 77), fc.uint8Array({ maxLength: 40 })),
  fc.tuple(
    fc.constantFrom<number>(Option.INFO, Option.GO),
    fc
      .tuple(fc.constantFrom('', 'disk', 'ü/ber', 'nothing'), fc.array(fc.nat(9), { maxLength: 4 }))
      .map(([name, infos]) => Uint8Array.from(infoData(name, infos))),
  ),
  fc.tuple(fc.constantFrom<number>(Option.LIST, Option.STRUCTURED_REPLY), fc.constant(NOTHING)),
);

test('any-cut: any cut of any options gives the same answers', () => {
  fc.assert(
    fc.property(
      fc.array(options, { maxLength: 8 }),
      fc.array(fc.nat(400), { maxLength: 30 }),
      fc.constantFrom(0, 1, 2, 3),
      (list, cuts, flags) => {
        const bytes = concat([
          new Uint8Array([0, 0, 0, flags]),
          ...list.map(([option, data]) => encodeOption(option, data)),
          Buffer.from('and the first request'),
        ]);
        const whole = haggle(bytes);
        const inside = cuts.filter((cut) => cut < bytes.length);
        const { rest, handshake: _, ...cut } = haggle(bytes, inside);
        const { rest: wholeRest, handshake: __, ...expected } = whole;
        expect(cut).toEqual(expected);
        if (whole.state === 'transmission') expect(rest).toEqual(wholeRest);
      },
    ),
    { numRuns: 500 },
  );
});
