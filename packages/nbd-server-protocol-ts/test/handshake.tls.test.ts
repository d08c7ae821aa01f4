/** STARTTLS as states, and who needs it. nbd-protocol.md section 5. */

import { describe, expect, test } from 'vitest';
import { Option, OptionReply, ServerHandshake } from '../src/index.ts';
import {
  allCuts,
  contextOption,
  feed,
  haggle,
  host,
  infoData,
  option,
  replies,
  said,
  types,
} from './haggle.ts';

const { ACK, INFO, SERVER } = OptionReply;
const { ERR_POLICY, ERR_INVALID, ERR_TLS_REQD, ERR_UNKNOWN, ERR_TOO_BIG } = OptionReply;
const startTls = option(Option.STARTTLS);
const go = (name: string) => option(Option.GO, infoData(name));
const everything = { secret: true, contexts: true, extendedHeaders: true } as const;

/** The handshake inside TLS, after a client said `before` and STARTTLS in plaintext. */
function secured(tls: 'on' | 'require', ...before: Uint8Array[]) {
  const { state, handshake } = haggle(said(...before, startTls), [], { ...everything, tls });
  expect(state).toBe('starttls');
  return handshake.secured();
}

test('STARTTLS: the ACK is the last byte in plaintext, at any cut', () => {
  const bytes = said(startTls);
  for (const tls of ['on', 'require'] as const) {
    for (const cuts of allCuts(bytes.length)) {
      const { output, state } = haggle(bytes, cuts, { tls });
      expect({ state, types: types(output) }).toEqual({ state: 'starttls', types: [ACK] });
    }
  }
});

test('inside TLS there is no greeting and there are no client flags: options go on', () => {
  const { output, state, agreed } = feed(secured('require'), go('secret'));
  expect({ state, types: types(output) }).toEqual({ state: 'transmission', types: [INFO, ACK] });
  expect(agreed).toMatchObject({ secure: true, noZeroes: true });
});

test('starttls-forgets: everything that was agreed before is forgotten', () => {
  const before = [
    option(Option.EXTENDED_HEADERS),
    contextOption(Option.SET_META_CONTEXT, 'disk', 'base:allocation'),
  ];
  const { agreed } = feed(secured('on', ...before), go('disk'));
  expect(agreed).toMatchObject({
    structuredReplies: false,
    extendedHeaders: false,
    replyForm: 'simple',
    contexts: [],
  });
  const again = feed(secured('on', ...before), option(Option.EXTENDED_HEADERS));
  expect(types(again.output)).toEqual([ACK]);
});

test('starttls-forgets: bytes behind STARTTLS that came with it end the connection, and are not answered', () => {
  for (const behind of [option(Option.LIST), go('disk'), Buffer.from([0x49])]) {
    const { state, output, reason } = haggle(said(startTls, behind), [], { tls: 'on' });
    expect({ state, bytes: output.length }).toEqual({ state: 'closed', bytes: 0 });
    expect(reason).toContain('STARTTLS');
  }
});

test('a server that forgets to go on with secured() serves no plaintext', () => {
  const { handshake } = haggle(said(startTls), [], { tls: 'on' });
  const bytes = go('disk');
  expect(handshake.receive(bytes, 0, bytes.length)).toMatchObject({ state: 'closed' });
});

test('secured() is a bug before STARTTLS', () => {
  expect(() => new ServerHandshake(host(), { tls: 'on' }).secured()).toThrow('did not ask for TLS');
});

test('STARTTLS again inside TLS is refused, and nothing asks for TLS any more', () => {
  const { output } = feed(secured('require'), Buffer.concat([startTls, option(Option.LIST)]));
  expect(types(output)).toEqual([ERR_INVALID, SERVER, SERVER, SERVER, ACK]);
});

test('the limits go on inside TLS', () => {
  const noise = Array.from({ length: 1000 }, () => option(77));
  const { state } = feed(secured('on', ...noise), Buffer.concat(noise));
  expect(state).toBe('closed');
});

test('STARTTLS with data is malformed in every mode', () => {
  for (const tls of ['off', 'on', 'require'] as const) {
    const { output } = haggle(said(option(Option.STARTTLS, 'x')), [], { tls });
    expect(types(output)).toEqual([ERR_INVALID]);
    const long = haggle(said(option(Option.STARTTLS, 'x'.repeat(70_000))), [], { tls });
    expect(types(long.output)).toEqual([ERR_TOO_BIG]);
  }
});

test('off: STARTTLS is against the policy, and nothing needs TLS; what is secret is not there', () => {
  const options = [startTls, option(Option.LIST), go('secret'), go('disk')];
  const { output, state } = haggle(said(...options), [], { secret: true, tls: 'off' });
  expect(types(output)).toEqual([ERR_POLICY, SERVER, SERVER, ACK, ERR_UNKNOWN, INFO, ACK]);
  expect(state).toBe('transmission');
});

describe('on: only what is secret needs TLS', () => {
  const on = { ...everything, tls: 'on' } as const;

  test('INFO and GO say so, contexts do not know it, LIST does not show it', () => {
    const context = contextOption(Option.LIST_META_CONTEXT, 'secret');
    const info = option(Option.INFO, infoData('secret'));
    const options = [option(Option.LIST), info, go('secret'), context, go('disk')];
    const { output, state } = haggle(said(...options), [], on);
    const listing = [SERVER, SERVER, ACK];
    const expected = [...listing, ERR_TLS_REQD, ERR_TLS_REQD, ERR_UNKNOWN, INFO, ACK];
    expect(types(output)).toEqual(expected);
    expect(state).toBe('transmission');
  });

  test('EXPORT_NAME of it ends the connection; of others it does not', () => {
    const byName = (name: string) => option(Option.EXPORT_NAME, name);
    expect(haggle(said(byName('secret')), [], on)).toMatchObject({ state: 'closed' });
    expect(haggle(said(byName('secret')), [], on).output.length).toBe(0);
    expect(haggle(said(byName('disk')), [], on)).toMatchObject({ state: 'transmission' });
    expect(feed(secured('on'), byName('secret'))).toMatchObject({ state: 'transmission' });
  });
});

describe('require: before TLS all but STARTTLS and ABORT is refused', () => {
  const required = { ...everything, tls: 'require' } as const;
  const numbers = [3, 4, 6, 7, 8, 9, 10, 11, 12, 77, 0, 0xffff_ffff];

  test.each([0, 5, 70_000])('with %i bytes of data, which are consumed', (length) => {
    const options = numbers.map((number) => option(number, new Uint8Array(length)));
    const { output, state } = haggle(said(...options, startTls), [], required);
    expect(types(output)).toEqual([...numbers.map(() => ERR_TLS_REQD), ACK]);
    expect(replies(output).map(([number]) => number)).toEqual([...numbers, Option.STARTTLS]);
    expect(state).toBe('starttls');
  });

  test('ABORT is answered', () => {
    const { output, orderly } = haggle(said(option(Option.ABORT)), [], required);
    expect({ types: types(output), orderly }).toEqual({ types: [ACK], orderly: true });
  });

  test('EXPORT_NAME ends the connection, whoever asks', () => {
    const ask = option(Option.EXPORT_NAME, 'disk');
    expect(haggle(said(ask), [], required)).toMatchObject({ state: 'closed' });
    const old = Buffer.concat([new Uint8Array(4), ask]);
    expect(haggle(old, [], required)).toMatchObject({ state: 'closed' });
    expect(feed(secured('require'), ask)).toMatchObject({ state: 'transmission' });
  });

  test('nothing of the host is asked before TLS', () => {
    const touched: string[] = [];
    const touch = (what: string): [] => {
      touched.push(what);
      return [];
    };
    const quiet = {
      list: () => touch('list'),
      find: () => touch('find').at(0),
      shuttingDown: () => false,
      contexts: () => touch('contexts'),
    };
    const handshake = new ServerHandshake(quiet, { tls: 'require', extendedHeaders: true });
    const all = numbers.map((number) => option(number, infoData('disk')));
    feed(handshake, said(...all, option(Option.EXPORT_NAME, 'disk')));
    expect(touched).toEqual([]);
  });
});
