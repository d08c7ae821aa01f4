/** Metadata contexts: LIST_META_CONTEXT and SET_META_CONTEXT. nbd-protocol.md section 2.6. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeContextRequest,
  handshakeLimits,
  Option,
  OptionReply,
  parseContextRequest,
  parseMetaContext,
  TransmissionFlag,
} from '../src/index.ts';
import {
  allCuts,
  contextOption,
  disk,
  haggle,
  hex,
  infoData,
  option,
  replies,
  said,
  types,
} from './haggle.ts';

const { ACK, META_CONTEXT } = OptionReply;
const { ERR_INVALID, ERR_UNKNOWN, ERR_TOO_BIG, ERR_UNSUP } = OptionReply;
const { LIST_META_CONTEXT: LIST, SET_META_CONTEXT: SET } = Option;
const ALLOCATION = 'base:allocation';
const [ZONE32, ZONE] = ['x-tnull:zone32', 'x-tnull:zone'];
const options = { contexts: true, extendedHeaders: true };
const structured = option(Option.STRUCTURED_REPLY);
const extended = option(Option.EXTENDED_HEADERS);
const go = (name: string) => option(Option.GO, infoData(name));

/** The contexts of all META_CONTEXT replies, as [id, name]. */
function contextsIn(output: Uint8Array): (readonly [number, string])[] {
  return replies(output).flatMap(([, type, data]) => {
    const context = type === META_CONTEXT ? parseMetaContext(data) : undefined;
    return context === undefined ? [] : [[context.id, context.name] as const];
  });
}

function listed(first: Uint8Array, exportName: string, ...queries: string[]): string[] {
  const bytes = said(first, contextOption(LIST, exportName, ...queries));
  const { output } = haggle(bytes, [], options);
  expect(types(output).at(-1)).toBe(ACK);
  expect(contextsIn(output).every(([id]) => id === 0)).toBe(true);
  return contextsIn(output).map(([, name]) => name);
}

describe('LIST_META_CONTEXT', () => {
  test.each([
    ['no query: all', [], [ALLOCATION, ZONE32, ZONE]],
    ['a name', [ZONE32], [ZONE32]],
    ['a namespace without a leaf', ['x-tnull:'], [ZONE32, ZONE]],
    ['base: without a leaf', ['base:'], [ALLOCATION]],
    ['both ways, twice', [ALLOCATION, 'base:', 'base:', ALLOCATION], [ALLOCATION]],
    ['an unknown leaf', ['base:nothing'], []],
    ['an unknown namespace', ['qemu:dirty-bitmap:x', 'qemu:'], []],
    ['no colon', ['base', 'allocation', ''], []],
    ['a part of a name', ['base:alloc', 'x-tnull:zone3', 'x-:'], []],
    ['a colon alone', [':'], []],
  ])('%s', (_, queries, expected) => {
    expect(listed(extended, 'disk', ...queries)).toEqual(expected);
  });

  test('shows what needs 64 bits only after extended headers', () => {
    expect(listed(structured, 'disk')).toEqual([ALLOCATION, ZONE32]);
    expect(listed(structured, 'disk', ZONE)).toEqual([]);
  });

  test('may be asked before structured replies, and for each export apart', () => {
    expect(listed(option(Option.LIST), 'disk', 'base:')).toEqual([ALLOCATION]);
    expect(listed(extended, 'ü/ber')).toEqual([ALLOCATION]);
    expect(listed(extended, '')).toEqual([ALLOCATION, ZONE32, ZONE]);
  });

  test('selects nothing and forgets nothing', () => {
    const set = contextOption(SET, 'disk', ALLOCATION);
    const list = contextOption(LIST, 'disk', ZONE);
    expect(haggle(said(extended, list, go('disk')), [], options).agreed?.contexts).toEqual([]);
    const after = haggle(said(extended, set, list, go('disk')), [], options).agreed?.contexts;
    expect(after?.map(({ name }) => name)).toEqual([ALLOCATION]);
  });
});

/** The names that are in force after these options and GO. */
function selected(...parts: Uint8Array[]): string[] | undefined {
  const { agreed } = haggle(said(...parts), [], options);
  return agreed?.contexts.map(({ name }) => name);
}

describe('SET_META_CONTEXT', () => {
  test('selects what it names, each with an id of its own, and says so', () => {
    const bytes = said(extended, contextOption(SET, 'disk', ZONE, ALLOCATION), go('disk'));
    const { output, agreed } = haggle(bytes, [], options);
    const told = contextsIn(output);
    expect(told.map(([, name]) => name)).toEqual([ZONE, ALLOCATION]);
    expect(new Set(told.map(([id]) => id)).size).toBe(2);
    expect(agreed?.contexts.map(({ id, name }) => [id, name])).toEqual(told);
  });

  test.each([
    ['what is asked twice, once', [ALLOCATION, ALLOCATION], [ALLOCATION]],
    ['nothing for a namespace without a leaf', ['base:', 'x-tnull:'], []],
    ['nothing for nothing', [], []],
    ['what is known of what is asked', ['base:x', 'a:b', ZONE32, 'x'], [ZONE32]],
  ])('selects %s', (_, queries, expected) => {
    expect(selected(extended, contextOption(SET, 'disk', ...queries), go('disk'))).toEqual(
      expected,
    );
  });

  test('leaves out what needs 64 bits before extended headers', () => {
    const set = contextOption(SET, 'disk', ZONE, ALLOCATION);
    expect(selected(structured, set, go('disk'))).toEqual([ALLOCATION]);
    expect(selected(extended, set, go('disk'))).toEqual([ZONE, ALLOCATION]);
  });

  test('before structured replies it is refused', () => {
    const { output } = haggle(said(contextOption(SET, 'disk', ALLOCATION)), [], options);
    expect(types(output)).toEqual([ERR_INVALID]);
    expect(selected(contextOption(SET, 'disk', ALLOCATION), structured, go('disk'))).toEqual([]);
  });

  test('also EXPORT_NAME brings what was selected', () => {
    const byName = option(Option.EXPORT_NAME, 'disk');
    expect(selected(structured, contextOption(SET, 'disk', ALLOCATION), byName)).toEqual([
      ALLOCATION,
    ]);
  });
});

describe('context-selection: a selection that does not last', () => {
  const first = contextOption(SET, 'disk', ALLOCATION);
  const broken = contextOption(SET, 'disk', ALLOCATION).slice(0, -1);
  new DataView(broken.buffer).setUint32(12, broken.length - 16);
  const long = option(SET, new Uint8Array(70_000));
  test.each([
    ['another export', [first, go('ü/ber')], []],
    ['the default export is the same one', [first, go('')], [ALLOCATION]],
    ['another selection', [first, contextOption(SET, 'disk', ZONE), go('disk')], [ZONE]],
    ['no queries', [first, contextOption(SET, 'disk'), go('disk')], []],
    ['an unknown export', [first, contextOption(SET, 'nix', ALLOCATION), go('disk')], []],
    ['a malformed option', [first, broken, go('disk')], []],
    ['an option that is too long', [first, long, go('disk')], []],
    ['too many queries', [first, contextOption(SET, 'disk', ...many(1025)), go('disk')], []],
    ['GO of an unknown export in between', [first, go('nix'), go('disk')], [ALLOCATION]],
    ['INFO in between', [first, option(Option.INFO, infoData('ü/ber')), go('disk')], [ALLOCATION]],
  ])('%s', (_, sequence, expected) => {
    expect(selected(extended, ...sequence)).toEqual(expected);
  });
});

function many(count: number): string[] {
  return Array.from({ length: count }, () => 'base:allocation');
}

test('one thousand equal queries are answered once, more are too big', () => {
  const { max } = handshakeLimits.contextQueries;
  for (const number of [LIST, SET]) {
    const bytes = said(extended, contextOption(number, 'disk', ...many(max)));
    expect(types(haggle(bytes, [], options).output)).toEqual([ACK, META_CONTEXT, ACK]);
    const more = said(extended, contextOption(number, 'disk', ...many(max + 1)));
    expect(types(haggle(more, [], options).output)).toEqual([ACK, ERR_TOO_BIG]);
  }
});

describe('false-lengths: what is not a list of queries', () => {
  test.each([
    ['nothing', ''],
    ['half a length', '0000'],
    ['no count', '00000004 6469736b'],
    ['half a count', '00000004 6469736b 000000'],
    ['a name beyond the end', '00000005 6469736b'],
    ['a name of 2^32 - 1', 'ffffffff 6469736b 00000000'],
    ['a name of 2^32 - 6', 'fffffffa 6469736b 00000000'],
    ['more queries than there are', '00000004 6469736b 00000001'],
    ['2^32 - 1 queries', '00000004 6469736b ffffffff 00000000'],
    ['a query beyond the end', '00000004 6469736b 00000001 00000002 61'],
    ['a query of 2^32 - 1', '00000004 6469736b 00000001 ffffffff 61'],
    ['bytes behind the last query', '00000004 6469736b 00000001 00000001 61 00'],
    ['bytes behind no query', '00000004 6469736b 00000000 00'],
    ['a query that is not UTF-8', '00000004 6469736b 00000001 00000001 ff'],
    ['a query with a NUL', '00000004 6469736b 00000001 00000001 00'],
    ['a query of 4097 bytes', `00000004 6469736b 00000001 00001001 ${'61'.repeat(4097)}`],
    ['a name of 4097 bytes', `00001001 ${'61'.repeat(4097)} 00000000`],
  ])('%s', (_, data) => {
    for (const number of [LIST, SET]) {
      const bytes = said(structured, option(number, hex(data)), structured);
      expect(types(haggle(bytes, [], options).output)).toEqual([ACK, ERR_INVALID, ERR_INVALID]);
    }
  });
});

test('an export that is not there', () => {
  for (const number of [LIST, SET]) {
    const bytes = said(structured, contextOption(number, 'x'.repeat(4096), ALLOCATION));
    const { output } = haggle(bytes, [], options);
    expect(types(output)).toEqual([ACK, ERR_UNKNOWN]);
    expect(replies(output)[1]?.[2].length).toBeLessThan(4096);
  }
});

test('a server without contexts does not know the options', () => {
  const bytes = said(structured, contextOption(LIST, 'disk'), contextOption(SET, 'disk'));
  expect(types(haggle(bytes).output)).toEqual([ACK, ERR_UNSUP, ERR_UNSUP]);
});

test('the messages are the bytes of the specification, at any cut', () => {
  const bytes = Buffer.concat([
    hex('00000003 49484156454f5054 00000008 00000000'),
    hex('49484156454f5054 0000000a 0000001f 00000004 6469736b 00000001'),
    hex('0000000f 626173653a616c6c6f636174696f6e'),
  ]);
  const answer =
    '0003e889045565a9 00000008 00000001 00000000' +
    '0003e889045565a9 0000000a 00000004 00000013 00000001 626173653a616c6c6f636174696f6e' +
    '0003e889045565a9 0000000a 00000001 00000000';
  for (const cuts of allCuts(bytes.length)) {
    expect(haggle(bytes, cuts, options).output.toString('hex')).toBe(hex(answer).toString('hex'));
  }
});

test('flags-that-fit: BLOCK_STATUS_PAYLOAD needs extended headers and a selected context', () => {
  const { BLOCK_STATUS_PAYLOAD } = TransmissionFlag;
  const able = { ...disk, name: 'able', flags: disk.flags | BLOCK_STATUS_PAYLOAD };
  const flags = (...parts: Uint8Array[]): boolean => {
    const { agreed } = haggle(said(...parts, go('able')), [], { ...options, also: [able] });
    return ((agreed?.flags ?? 0) & BLOCK_STATUS_PAYLOAD) !== 0;
  };
  const set = contextOption(SET, 'able', ALLOCATION);
  expect(flags(extended, set)).toBe(true);
  expect(flags(structured, set)).toBe(false);
  expect(flags(extended)).toBe(false);
  expect(flags(extended, contextOption(SET, 'disk', ALLOCATION))).toBe(false);
});

const texts = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'));

test('what is encoded is parsed, and at no other length', () => {
  fc.assert(
    fc.property(texts, fc.array(texts, { maxLength: 6 }), (exportName, queries) => {
      const data = encodeContextRequest({ exportName, queries });
      expect(parseContextRequest(data)).toEqual({ exportName, queries });
      expect(parseContextRequest(data.subarray(0, -1))).toBeUndefined();
      expect(parseContextRequest(Buffer.concat([data, Buffer.from([0])]))).toBeUndefined();
    }),
  );
});
