/** A `ServerConnection` at the bytes of single requests, which no `ClientConnection` sends. */

import { describe, expect, test } from 'vitest';
import { encodeOption, NbdError, Option, ServerConnection } from '../src/index.ts';
import { memoryDisk } from './connection-pair.ts';
import { concat, contextOption, hex, infoData, said } from './haggle.ts';

const NOTHING = new Uint8Array(0);
const go = encodeOption(Option.GO, infoData('disk'));
const openings = {
  simple: said(go),
  structured: said(encodeOption(Option.STRUCTURED_REPLY, NOTHING), go),
  extended: said(
    encodeOption(Option.EXTENDED_HEADERS, NOTHING),
    contextOption(Option.SET_META_CONTEXT, 'disk', 'base:allocation', 'x:other'),
    go,
  ),
} as const;

type Disk = ReturnType<typeof memoryDisk>;

/** Sends one request after the other. @returns all that came behind the handshake, and what was asked. */
async function sends(
  form: keyof typeof openings,
  bytes: string,
  more: Partial<Disk['options']> = {},
) {
  const disk = memoryDisk(4096);
  const exports = [{ ...disk.disk, contexts: ['base:allocation', 'x:other'] }];
  const sent: Uint8Array[] = [];
  const faults: string[] = [];
  const ends: string[] = [];
  const server = new ServerConnection({
    ...{ ...disk.options, ...more, exports },
    onFault: (fault) => faults.push(fault),
    send: (data) => void sent.push(data.slice()),
    close: (error) => ends.push(error?.message ?? 'end'),
  });
  server.receive(openings[form]);
  const handshake = concat(sent).length;
  server.receive(hex(bytes));
  await new Promise(setImmediate);
  const output = concat(sent).subarray(handshake).toString('hex');
  return {
    output,
    asked: disk.asked,
    faults: faults.filter((one) => one !== 'pipelined-option'),
    ends,
  };
}

const C = '00000000 00000009';
/** A compact request with the cookie 9. */
const compact = (flags: string, command: string, offset: string, length: string): string =>
  `25609513 ${flags} ${command} ${C} 00000000${offset} ${length}`;
const extended = (flags: string, command: string, offset: string, length: string): string =>
  `21e41c71 ${flags} ${command} ${C} 00000000${offset} 00000000${length}`;
const simple = (error: string): string => `67446698${error}${C.replace(' ', '')}`;
const [OK, EINVAL] = ['00000000', '00000016'];
/** An extended chunk behind whose header so many bytes follow. */
const chunk = (type: string, offset: string, length: string, flags = '0001'): string =>
  `6e8a278c${flags}${type}${C.replace(' ', '')}00000000${offset}00000000${length}`;
const done = (offset: string): string => chunk('0000', offset, '00000000');

describe('simple replies', () => {
  test.each([
    ['a read', compact('0000', '0000', '00000010', '00000002'), `${simple(OK)}0000`],
    ['FUA on a read', compact('0001', '0000', '00000010', '00000002'), `${simple(OK)}0000`],
    ['a flush', compact('0000', '0003', '00000000', '00000000'), simple(OK)],
    ['a flush of a range', compact('0000', '0003', '00000001', '00000001'), simple(EINVAL)],
    ['an unknown command', compact('0000', '0063', '00000000', '00000001'), simple(EINVAL)],
    ['RESIZE', compact('0000', '0008', '00000000', '00001000'), simple(EINVAL)],
    ['an unknown flag', compact('4000', '0000', '00000000', '00000001'), simple(EINVAL)],
    ['a flag of another command', compact('0002', '0000', '00000000', '00000001'), simple(EINVAL)],
    ['DF, which means nothing', compact('0004', '0000', '00000000', '00000001'), simple(EINVAL)],
    ['block status', compact('0000', '0007', '00000000', '00000001'), simple(EINVAL)],
    [
      'a write with an unknown flag',
      `${compact('4000', '0001', '00000000', '00000001')}aa`,
      simple(EINVAL),
    ],
    ['a write of nothing', compact('0000', '0001', '00000000', '00000000'), simple(OK)],
  ])('%s, and the next is in step', async (_, request, reply) => {
    const next = compact('0000', '0000', '00000000', '00000001');
    const { output, ends } = await sends('simple', request + next);
    expect(output).toBe(`${reply}${simple(OK)}00`);
    expect(ends).toEqual([]);
  });

  test('without a function flush: FUA is refused, and a FLUSH that nobody offered succeeds', async () => {
    const { output, faults } = await sends(
      'simple',
      compact('0001', '0000', '00000000', '00000001') +
        compact('0000', '0003', '00000000', '00000000'),
      { flush: undefined as never }, // as a caller leaves it out
    );
    expect(output).toBe(simple(EINVAL) + simple(OK));
    expect(faults).toEqual(['flush-not-offered']);
  });
});

describe('extended headers', () => {
  test('a write without PAYLOAD_LEN is served, and told', async () => {
    const write = `${extended('0000', '0001', '00000003', '00000002')} abcd`;
    const { output, asked, faults } = await sends('extended', write);
    expect(output).toBe(done('00000003'));
    expect(asked).toEqual(['write 3+2']);
    expect(faults).toEqual(['write-without-payload-len']);
  });

  test.each([
    ['a read with a payload', `${extended('0020', '0000', '00000000', '00000002')} abcd`],
    ['a flag for a payload that is empty', extended('0020', '0001', '00000000', '00000000')],
    ['a payload of no ids', `${extended('0020', '0007', '00000000', '00000008')} 0000000000000010`],
    [
      'an id that was not selected',
      `${extended('0020', '0007', '00000000', '0000000c')} 0000000000000010 00000063`,
    ],
    [
      'an id twice',
      `${extended('0020', '0007', '00000000', '00000010')} 0000000000000010 00000001 00000001`,
    ],
    [
      'a payload that is longer than all ids',
      `${extended('0020', '0007', '00000000', '00000014')} ${'00'.repeat(20)}`,
    ],
    [
      'a range of a payload that goes beyond the end',
      `${extended('0020', '0007', '00000ff0', '0000000c')} 0000000000000011 00000001`,
    ],
    [
      'a range of a payload that is empty',
      `${extended('0020', '0007', '00000ff0', '0000000c')} 0000000000000000 00000001`,
    ],
  ])('%s is EINVAL, and the next is in step', async (_, request) => {
    const next = extended('0000', '0003', '00000000', '00000000');
    const { output, asked } = await sends('extended', request + next);
    expect(output.slice(0, 16)).toBe('6e8a278c00018001');
    expect(output.slice(64, 72)).toBe(EINVAL);
    expect(output.endsWith(done('00000000'))).toBe(true);
    expect(asked).toEqual(['flush']);
  });

  test('block status of one of two contexts, by a payload', async () => {
    const status = `${extended('0020', '0007', '00000200', '0000000c')} 0000000000000100 00000002`;
    const { output, asked } = await sends('extended', status);
    // The second extent begins behind the range.
    const extent = '00000000000002000000000000000000';
    expect(output).toBe(`${chunk('0006', '00000200', '00000018')}0000000200000001${extent}`);
    expect(asked).toEqual(['status of x:other 512+256']);
  });

  test('parts of a read are chunks, zeros are holes', async () => {
    const { output } = await sends('extended', extended('0000', '0000', '00000100', '00000005'), {
      read: () => [{ zeros: 2 }, Uint8Array.of(0xaa, 0xbb), { zeros: 1 }],
    });
    expect(output).toBe(
      `${chunk('0002', '00000100', '0000000c', '0000')}000000000000010000000002` +
        `${chunk('0001', '00000100', '0000000a', '0000')}0000000000000102aabb` +
        `${chunk('0002', '00000100', '0000000c')}000000000000010400000001`,
    );
  });
});

test.each([
  ['a text', new NbdError('ENOSPC', 'full'), '0000001c', '66756c6c'],
  ['no text', new NbdError('ENOSPC'), '0000001c', ''],
  ['a secret', new Error('secret'), '00000005', ''],
])('a read that fails with %s', async (_, error, errno, text) => {
  const read = (): never => {
    throw error;
  };
  const request = compact('0000', '0000', '00000000', '00000001');
  const { output } = await sends('structured', request, { read });
  const [length, words] = [6 + text.length / 2, text.length / 2];
  expect(output).toBe(
    `668e33ef00018001${C.replace(' ', '')}${length.toString(16).padStart(8, '0')}${errno}` +
      `${words.toString(16).padStart(4, '0')}${text}`,
  );
});

test('an unknown magic ends the connection, behind the replies before it', async () => {
  const request = `${compact('0000', '0003', '00000000', '00000000')} deadbeef${'00'.repeat(24)}`;
  const { output, ends } = await sends('structured', request);
  expect(output).toBe(`668e33ef00010000${C.replace(' ', '')}00000000`);
  expect(ends).toEqual(['bytes that are not a request (wrong magic)']);
});
