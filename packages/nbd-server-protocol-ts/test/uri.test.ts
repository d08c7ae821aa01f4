import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatNbdUri, type NbdUri, parseNbdUri, UriError } from '../src/index.ts';

test.each([
  ['nbd://localhost', 'tcp', 'localhost:10809', ''],
  ['nbd://localhost/', 'tcp', 'localhost:10809', ''],
  ['nbd://127.0.0.1:1234/nullb0', 'tcp', '127.0.0.1:1234', 'nullb0'],
  ['nbd://[::1]:99/a%20b', 'tcp', '::1:99', 'a b'],
  ['nbd://h//disk', 'tcp', 'h:10809', '/disk'],
  ['nbd+unix:///x?socket=/run/s', 'unix', '/run/s', 'x'],
  ['nbd+unix://?socket=/run/s', 'unix', '/run/s', ''],
  ['nbds+unix:///?socket=%00abstract', 'unix', '\0abstract', ''],
])('%s', (text, kind, where, name) => {
  const { transport, exportName, tls } = parseNbdUri(text);
  expect(transport.kind).toBe(kind);
  const found = transport.kind === 'unix' ? transport.path : `${transport.host}:${transport.port}`;
  expect(found).toBe(where);
  expect(exportName).toBe(name);
  expect(tls).toBe(text.startsWith('nbds'));
});

test('user and parameters are kept; socket is not a parameter', () => {
  const uri = parseNbdUri('nbds://al%40ice@host/x?tls-verify-peer=0&x-y=%20');
  expect(uri.user).toBe('al@ice');
  expect([...uri.query]).toEqual([
    ['tls-verify-peer', '0'],
    ['x-y', ' '],
  ]);
});

test.each([
  ['http://localhost', 'not an NBD URI: '],
  ['nbd:localhost', 'not an NBD URI: '],
  ['nbd:///x', 'has no host'],
  ['nbd+unix:///x', 'has no ?socket'],
  ['nbd+unix:///x?socket=', 'has no ?socket'],
  ['nbd+unix://host/x?socket=/s', 'has a host and a socket'],
  ['nbd://h:65536', 'above 65535'],
  ['nbd://h:x', 'not an NBD URI: '],
  ['nbd://h/%zz', 'broken % sequence'],
])('%s is refused', (text, why) => {
  expect(() => parseNbdUri(text)).toThrow(UriError);
  expect(() => parseNbdUri(text)).toThrow(why);
});

const words = fc.string({ unit: 'grapheme', minLength: 1 });
const uris: fc.Arbitrary<NbdUri> = fc.record({
  tls: fc.boolean(),
  exportName: fc.string({ unit: 'grapheme' }),
  transport: fc.oneof(
    fc.record({ kind: fc.constant('unix' as const), path: words }),
    fc.record({
      kind: fc.constant('tcp' as const),
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      port: fc.integer({ min: 1, max: 65_535 }),
    }),
  ),
  query: fc
    .dictionary(words, words)
    .map((object) => new Map(Object.entries(object).filter(([key]) => key !== 'socket'))),
});

test('what is formatted is parsed again', () => {
  fc.assert(
    fc.property(uris, (uri) => {
      expect(parseNbdUri(formatNbdUri(uri))).toEqual(uri);
    }),
  );
});
