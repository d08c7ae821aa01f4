/** Rules as text: what each word takes, and a hundred mistakes, each told in one line. */

import { describe, expect, test } from 'vitest';
import { parseRule } from '../../src/rules/rule.ts';

function words(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(' ').map((word) => {
      const [name = '', ...value] = word.split('=');
      return [name, value.join('=')];
    }),
  );
}

const ERRNOS = 'one of EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN';
const DURATION = 'a duration: a number with ns, us, ms, s, m or h, at most 2501h';

const mistakes: readonly (readonly [text: string, says: string])[] = [
  [
    'opp=write error=EIO',
    "r1: opp=write: no such word; did you mean 'op'; the words are id, op, sectors, ",
  ],
  ['op=wrote error=EIO', 'r1: op=wrote: must be names out of read, write, '],
  ['op= error=EIO', 'r1: op=: must be names out of read, write, '],
  ['op=read, error=EIO', 'r1: op=read,: must be names out of read, write, '],
  ['op=READ error=EIO', 'r1: op=READ: must be names out of read, write, '],
  ['op=trim error=EIO', 'r1: op=trim: must be names out of read, write, '],
  ['sectors=8-4 error=EIO', 'r1: sectors=8-4: must be FIRST-LAST or one sector, of 512 bytes'],
  ['sectors=a error=EIO', 'r1: sectors=a: must be FIRST-LAST or one sector'],
  ['sectors=1-2-3 error=EIO', 'r1: sectors=1-2-3: must be FIRST-LAST or one sector'],
  ['sectors=-4 error=EIO', 'r1: sectors=-4: must be FIRST-LAST or one sector'],
  ['sectors=1.5 error=EIO', 'r1: sectors=1.5: must be FIRST-LAST or one sector'],
  ['sectors=4k error=EIO', 'r1: sectors=4k: must be FIRST-LAST or one sector'],
  ['op=flush sectors=1 error=EIO', 'r1: sectors=1: not with op=flush, which has none'],
  ['bytes=x error=EIO', 'r1: bytes=x: must be a size or MIN-MAX'],
  ['bytes=8k-4k error=EIO', 'r1: bytes=8k-4k: must be a size or MIN-MAX'],
  ['bytes=4KB error=EIO', 'r1: bytes=4KB: must be a size or MIN-MAX'],
  [
    'bytes=4T error=EIO',
    'r1: bytes=4T: must be a size or MIN-MAX: bytes, or with k, M or G, MIN not',
  ],
  [
    'op=connect sectors=1 wire=reset',
    'r1: sectors=1: not with op=connect or op=handshake, which have none',
  ],
  ['op=connect bytes=1 wire=reset', 'r1: bytes=1: not with op=connect or op=handshake'],
  ['op=connect,handshake fua=1 wire=stall:0', 'r1: fua=1: not with op=connect or op=handshake'],
  ['op=handshake align=4k wire=stall:0', 'r1: align=4k: not with op=connect or op=handshake'],
  [
    'client=0 wire=reset',
    'r1: client=0: must be from 1 on, with wire: the control side has no connection',
  ],
  ['align=0 error=EIO', 'r1: align=0: must be a size that is a multiple of 512'],
  ['align=100 error=EIO', 'r1: align=100: must be a size that is a multiple of 512'],
  ['fua=2 error=EIO', 'r1: fua=2: must be 0 or 1'],
  ['fua=yes error=EIO', 'r1: fua=yes: must be 0 or 1'],
  ['client=-1 error=EIO', 'r1: client=-1: must be a whole number from 0 on'],
  ['client=x error=EIO', 'r1: client=x: must be a whole number from 0 on'],
  ['data=abc error=EIO', 'r1: data=abc: must be 1 to 64 bytes as pairs of hexadecimal digits'],
  ['data= error=EIO', 'r1: data=: must be 1 to 64 bytes as pairs of hexadecimal digits'],
  [`data=${'00'.repeat(65)} error=EIO`, 'must be 1 to 64 bytes as pairs of hexadecimal digits'],
  [
    'op=read data=c0ffee error=EIO',
    'r1: data=c0ffee: only with op=write or op=zone_append, which have a payload',
  ],
  ['data_every=4k error=EIO', 'r1: data_every=4k: only with data'],
  ['data=00 data_every=5 error=EIO', 'r1: data_every=5: must be a size that is a multiple of 512'],
  ['from=5 error=EIO', `r1: from=5: must be ${DURATION}`],
  ['from=-5s error=EIO', `r1: from=-5s: must be ${DURATION}`],
  ['from=5sec error=EIO', `r1: from=5sec: must be ${DURATION}`],
  ['until=soon error=EIO', `r1: until=soon: must be rewrite, or ${DURATION}`],
  ['until=rewrite lose=1', 'r1: until=rewrite: only with error'],
  ['op=write until=rewrite error=EIO', 'r1: until=rewrite: only with op=read'],
  ['state=-1 error=EIO', 'r1: state=-1: must be a whole number from 0 to 2147483647'],
  ['state=on error=EIO', 'r1: state=on: must be a whole number from 0 to 2147483647'],
  ['per=export error=EIO', 'r1: per=export: must be one of device, client, sector'],
  ['skip=-1 error=EIO', 'r1: skip=-1: must be a whole number from 0 on'],
  ['nth=0 error=EIO', 'r1: nth=0: must be a whole number from 1 on'],
  ['nth=1st error=EIO', 'r1: nth=1st: must be a whole number from 1 on'],
  ['nth=2 skip=1 error=EIO', 'r1: skip=1: not with nth, which says it already'],
  ['nth=2 times=1 error=EIO', 'r1: times=1: not with nth, with which it is 1'],
  ['interval=0 error=EIO', 'r1: interval=0: must be a whole number from 1 on'],
  ['probability=101 error=EIO', 'r1: probability=101: must be a percentage from 0 to 100'],
  ['probability=-1 error=EIO', 'r1: probability=-1: must be a percentage from 0 to 100'],
  ['probability=1% error=EIO', 'r1: probability=1%: must be a percentage from 0 to 100'],
  ['times=-2 error=EIO', 'r1: times=-2: must be a whole number from -1 on'],
  ['burst=0 error=EIO', 'r1: burst=0: must be a whole number from 1 on'],
  [
    'op=read',
    'r1: must have one of error, hang, torn, misdirect, lose, lie, stale, corrupt, cut, wire, or delay, set_state, mark, snapshot',
  ],
  ['error=EBADF', `r1: error=EBADF: must be ${ERRNOS}`],
  ['error=5', `r1: error=5: must be ${ERRNOS}`],
  ['error=eio', `r1: error=eio: must be ${ERRNOS}`],
  ['error=EIO hang=on', 'r1: hang=on: not with error: a rule has one action'],
  ['lose=1 lie=1', 'r1: lie=1: not with lose: a rule has one action'],
  ['error=EIO apply=half', 'r1: apply=half: must be none, all, drop or first:BLOCKS'],
  ['error=EIO apply=first', 'r1: apply=first: must be none, all, drop or first:BLOCKS'],
  ['error=EIO apply=first:0', 'r1: apply=first:0: must be none, all, drop or first:BLOCKS'],
  ['op=write error=EIO apply=drop', 'r1: apply=drop: only with op=flush'],
  ['op=flush error=EIO apply=first:1', 'r1: apply=first:1: not with op=flush, which has no blocks'],
  ['lose=1 apply=all', 'r1: apply=all: only with error or wire'],
  ['wire=reset apply=first:1', 'r1: apply=first:1: must be all or none, with wire'],
  ['delay=5', 'r1: delay=5: must be a duration (5ms, at most 2501h), uniform:MIN:MAX'],
  [
    'delay=uniform:5ms',
    'r1: delay=uniform:5ms: must be a duration (5ms, at most 2501h), uniform:MIN:MAX',
  ],
  ['delay=uniform:9ms:1ms', 'r1: delay=uniform:9ms:1ms: must be a duration'],
  ['delay=normal:1ms:2ms', 'r1: delay=normal:1ms:2ms: must be a duration'],
  ['delay=exponential:1ms:2ms', 'r1: delay=exponential:1ms:2ms: must be a duration'],
  ['delay=lognormal:9ms:1ms', 'r1: delay=lognormal:9ms:1ms: must be a duration'],
  ['delay=lognormal:0ns:1ms', 'r1: delay=lognormal:0ns:1ms: must be a duration'],
  ['delay=trace:', 'r1: delay=trace:: must be a duration'],
  ['delay=trace:@/etc/passwd', 'r1: delay=trace:@/etc/passwd: must be a duration'],
  ['delay=trace:1ms,x', 'r1: delay=trace:1ms,x: must be a duration'],
  ['delay=200d', 'r1: delay=200d: must be a duration'],
  ['delay=9999h', 'r1: delay=9999h: must be a duration'],
  ['hang=yes', `r1: hang=yes: must be on, or ${DURATION}`],
  ['hang=5', `r1: hang=5: must be on, or ${DURATION}`],
  ['torn=half', 'r1: torn=half: must be first:N, last:N, blocks:N,N-M,... or random'],
  ['torn=first:', 'r1: torn=first:: must be first:N'],
  ['torn=blocks:', 'r1: torn=blocks:: must be first:N'],
  ['torn=blocks:3-1', 'r1: torn=blocks:3-1: must be first:N'],
  ['op=read torn=first:1', 'r1: op=read: must be out of write'],
  ['torn=first:1 then=EIO', 'r1: then=EIO: must be one of ok, error, cut'],
  ['lose=1 then=ok', 'r1: then=ok: only with torn'],
  ['misdirect=8', 'r1: misdirect=8: must be +N, -N or =N sectors'],
  ['misdirect=+0', 'r1: misdirect=+0: must be +N, -N or =N sectors'],
  ['misdirect=+-1', 'r1: misdirect=+-1: must be +N, -N or =N sectors'],
  ['op=discard misdirect=+8', 'r1: op=discard: must be out of read, write'],
  ['lose=0', 'r1: lose=0: must be 1'],
  ['lose=yes', 'r1: lose=yes: must be 1'],
  ['op=read lose=1', 'r1: op=read: must be out of write, write_zeroes, discard'],
  ['lie=2', 'r1: lie=2: must be 1'],
  ['op=read lie=1', 'r1: op=read: must be out of write, write_zeroes, flush'],
  ['stale=1', 'r1: stale=1: only with sectors'],
  ['stale=0 sectors=1', 'r1: stale=0: must be a whole number from 1 to 64'],
  ['stale=1 sectors=0-131072', 'r1: sectors=0-131072: must be at most 64 MiB, with stale'],
  ['op=write stale=1 sectors=1', 'r1: op=write: must be out of read'],
  ['corrupt=bits', 'r1: corrupt=bits: must be bits:N (at most 4096), '],
  ['corrupt=bits:0', 'r1: corrupt=bits:0: must be bits:N (at most 4096), '],
  ['corrupt=bits:4097', 'r1: corrupt=bits:4097: must be bits:N (at most 4096), '],
  ['wire=garbage:65537', 'garbage:BYTES (at most 65536), magic or error:NUMBER'],
  ['corrupt=xor:1', 'r1: corrupt=xor:1: must be bits:N (at most 4096), '],
  ['corrupt=fill:zz', 'r1: corrupt=fill:zz: must be bits:N (at most 4096), '],
  ['op=flush corrupt=random', 'r1: op=flush: must be out of read, write'],
  ['corrupt=random where=disk', 'r1: where=disk: must be one of reply, store'],
  ['op=write corrupt=random where=reply', 'r1: where=reply: only with op=read'],
  ['op=read corrupt=random where=store', 'r1: where=store: only with op=write'],
  ['lose=1 where=store', 'r1: where=store: only with corrupt'],
  ['cut=none op=connect', 'r1: op=connect: must be out of read, write, '],
  ['wire=rst', 'r1: wire=rst: must be reset, close, truncate:BYTES'],
  ['wire=truncate', 'r1: wire=truncate: must be reset, close, truncate:BYTES'],
  ['wire=drip:1', 'r1: wire=drip:1: must be reset, close, truncate:BYTES'],
  ['wire=drip:0:1ms', 'r1: wire=drip:0:1ms: must be reset, close, truncate:BYTES'],
  ['wire=reorder:0', 'r1: wire=reorder:0: must be reset, close, truncate:BYTES'],
  ['wire=garbage:0', 'r1: wire=garbage:0: must be reset, close, truncate:BYTES'],
  [
    'op=handshake wire=reset',
    'r1: wire=reset: must be one of truncate, stall, drip, with op=handshake',
  ],
  ['op=connect wire=magic', 'r1: wire=magic: must be one of reset, close, stall, with op=connect'],
  ['op=connect hang=on', 'r1: op=connect: must be out of read, write, '],
  ['op=handshake error=EIO', 'r1: op=handshake: must be out of read, write, '],
  ['set_state=x', 'r1: set_state=x: must be a whole number from 0 to 2147483647'],
  ['mark=', 'r1: mark=: must be a text of 1 to 4096 bytes'],
  ['id=a/b error=EIO', 'r1: id=a/b: must be 1 to 64 letters, digits'],
  ['id= error=EIO', 'r1: id=: must be 1 to 64 letters, digits'],
  ['skip=9007199254740992 error=EIO', 'must be a whole number from 0 on, below 2^53'],
  ['op=handshake mark=here', 'r1: op=handshake: must be out of read, write, '],
  ['id=late nth=0 error=EIO', 'late: nth=0: must be a whole number from 1 on'],
];

describe('a mistake is one line of rule, word, value and what is allowed', () => {
  test.each(mistakes)('%s', (text, says) => {
    let message = '';
    try {
      parseRule(words(text), 'r1');
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    expect(message).toContain(says);
    const { id = 'r1', ...rest } = words(text);
    const [line, rule, word = '', value = '', allowed] =
      /^([^:\n]+): (?:(\w+)=(.*?): )?((?:must (?:be|have)|only with|not with|no such word;) \S.*)$/.exec(
        message,
      ) ?? [];
    expect(line, message).toBe(message);
    expect(rule).toBe(/^[\w.-]+$/.test(id) ? id : 'r1');
    expect(allowed).toMatch(/^(must (be|have)|only with|not with|no such word; .*the words are) /);
    if (word === '') return expect(text, 'a mistake of the whole rule').toBe('op=read');
    const given = { ...rest, id }[word];
    if (value.endsWith('...')) expect(given).toContain(value.slice(0, -3));
    else expect(value).toBe(given);
  });

  test('there are more than a hundred', () => expect(mistakes.length).toBeGreaterThan(100));
});

test('a rule without words of its own has those of the table', () => {
  expect(parseRule({ error: 'EIO' }, 'r7')).toMatchObject({
    id: 'r7',
    match: { sectors: undefined, bytes: undefined, align: 0, fromNs: 0, state: undefined },
    trigger: { per: 'device', skip: 0, interval: 1, probability: 1, times: -1, burst: 1 },
    action: { kind: 'error', errno: 'EIO', apply: { form: 'none' }, untilRewrite: false },
    words: { error: 'EIO' },
  });
});

test('text and numbers of JSON mean the same', () => {
  const json = { sectors: 8, bytes: 4096, nth: 3, probability: 2.5, lose: 1, state: 2 };
  const { words: _, ...rule } = parseRule(json, 'r1');
  const text = parseRule(words('sectors=8 bytes=4k nth=3 probability=2.5 lose=1 state=2'), 'r1');
  expect(text).toMatchObject(rule);
});

test('a number of JSON with an exponent is a percentage like any other', () => {
  const { trigger, words: given } = parseRule({ probability: 1e-7, error: 'EIO' }, 'r1');
  expect(trigger.probability).toBeCloseTo(1e-9, 15);
  expect(given).toEqual({ probability: 1e-7, error: 'EIO' });
});

test.each([
  ['delay=5ms', { delay: { form: 'fixed', ns: 5e6 } }],
  ['delay=uniform:1ms:9ms', { delay: { form: 'uniform', min: 1e6, max: 9e6 } }],
  ['delay=exponential:1.5us', { delay: { form: 'exponential', mean: 1500 } }],
  ['delay=lognormal:2ms:200ms', { delay: { form: 'lognormal', median: 2e6, p99: 2e8 } }],
  ['delay=trace:1ms,4ms,2m', { delay: { form: 'trace', each: [1e6, 4e6, 12e10] } }],
  ['hang=on', { action: { kind: 'hang', ns: Number.POSITIVE_INFINITY } }],
  [
    'torn=blocks:0,2,5-7',
    {
      action: {
        kept: {
          ranges: [
            [0, 0],
            [2, 2],
            [5, 7],
          ],
        },
        answer: 'ok',
      },
    },
  ],
  ['torn=last:3 then=error', { action: { kept: { form: 'last', count: 3 }, answer: 'error' } }],
  ['misdirect=-8', { action: { by: -8 } }],
  ['misdirect==64', { action: { by: undefined, to: 64 } }],
  ['op=read corrupt=bits:3', { action: { how: { form: 'bits', count: 3 }, where: 'either' } }],
  ['corrupt=xor:ff where=reply', { action: { how: { form: 'xor', byte: 255 }, where: 'reply' } }],
  ['wire=drip:7:1ms', { action: { wire: { form: 'drip', bytes: 7, apart: 1e6 }, apply: 'all' } }],
  [
    'wire=truncate:0 apply=none',
    { action: { wire: { form: 'truncate', bytes: 0 }, apply: 'none' } },
  ],
  ['error=EIO nth=4', { trigger: { skip: 3, times: 1 } }],
  ['error=EIO until=5s', { match: { untilNs: 5e9 }, action: { untilRewrite: false } }],
  [
    'error=EIO until=rewrite',
    { match: { untilNs: Number.POSITIVE_INFINITY }, action: { untilRewrite: true } },
  ],
  ['error=EIO sectors=0x10-32', { match: { sectors: { first: 16, last: 32 } } }],
  ['error=EIO bytes=512-1M', { match: { bytes: { first: 512, last: 1 << 20 } } }],
] as const)('%s', (text, values) => {
  expect(parseRule(words(text), 'r1')).toMatchObject(values);
});
