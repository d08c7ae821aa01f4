import { describe, expect, test } from 'vitest';
import {
  type ClientFault,
  encodeOption,
  HandshakeFlag,
  InfoType,
  Option,
  OptionReply,
  ServerHandshake,
  TransmissionFlag,
} from '../src/index.ts';
import {
  concat,
  contextOption,
  disk,
  FIXED,
  FIXED_NO_ZEROES,
  haggle,
  host,
  infoData,
  NOTHING,
  replies,
  types,
} from './haggle.ts';

const { ACK, SERVER, INFO, ERR_UNKNOWN, ERR_SHUTDOWN, ERR_INVALID } = OptionReply;
const { SEND_DF } = TransmissionFlag;

test('the server greets with both magics, fixed newstyle and no zeroes', () => {
  const hex = Buffer.from(new ServerHandshake(host()).greeting()).toString('hex');
  expect(hex).toBe('4e42444d4147494349484156454f50540003');
  expect(HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES).toBe(3);
});

describe('zeroes-behind-name: what follows EXPORT_NAME', () => {
  const ask = encodeOption(Option.EXPORT_NAME, Buffer.from('disk'));

  test.each([
    ['134 bytes', FIXED, 134],
    ['10 bytes where the client set NO_ZEROES', FIXED_NO_ZEROES, 10],
    ['134 bytes for a client without fixed newstyle', new Uint8Array(4), 134],
  ])('%s', (_, flags, length) => {
    const { output, state, agreed } = haggle(concat([flags, ask]));
    expect(state).toBe('transmission');
    expect(output.length).toBe(length);
    expect(output.readBigUInt64BE(0)).toBe(BigInt(disk.size));
    expect(output.readUInt16BE(8)).toBe(disk.flags & ~SEND_DF);
    expect(output.subarray(10).every((byte) => byte === 0)).toBe(true);
    expect(agreed).toMatchObject({ export: disk, structuredReplies: false });
  });

  test('the first request may come with it', () => {
    const { rest } = haggle(concat([FIXED, ask, Buffer.from('request')]));
    expect(rest.toString()).toBe('request');
  });

  test('an unknown export ends the connection without a byte', () => {
    const { state, output, reason, orderly } = haggle(
      concat([FIXED, encodeOption(Option.EXPORT_NAME, Buffer.from('nothing'))]),
    );
    expect({ state, bytes: output.length, orderly }).toEqual({
      state: 'closed',
      bytes: 0,
      orderly: false,
    });
    expect(reason).toMatch(/not there/);
  });
});

test('zeroes-behind-name: no zeroes follow GO', () => {
  const go = encodeOption(Option.GO, infoData('disk'));
  const { output, state } = haggle(concat([FIXED, go]));
  expect(state).toBe('transmission');
  expect(types(output)).toEqual([INFO, ACK]);
});

test('info-export-always: GO and INFO always tell EXPORT, asked or not, and what else was asked', () => {
  for (const option of [Option.INFO, Option.GO]) {
    const asked = [InfoType.BLOCK_SIZE, InfoType.NAME, InfoType.DESCRIPTION, 77];
    const { output } = haggle(concat([FIXED, encodeOption(option, infoData('', asked))]));
    const infos = replies(output).map(([, type, data]) => [type, data.toString('hex')]);
    expect(infos).toEqual([
      [INFO, `00000000010000000200${(disk.flags & ~SEND_DF).toString(16).padStart(4, '0')}`],
      [INFO, '0003000002000000100004000000'],
      [INFO, `0001${Buffer.from('disk').toString('hex')}`],
      [INFO, `0002${Buffer.from('a disk').toString('hex')}`],
      [ACK, ''],
    ]);
  }
});

test('INFO right before GO says the same', () => {
  const ask = (option: number) =>
    haggle(concat([FIXED, encodeOption(option, infoData('disk', [3]))]));
  const data = (option: number) =>
    replies(ask(option).output).map(([, type, bytes]) => [type, bytes]);
  expect(data(Option.INFO)).toEqual(data(Option.GO));
});

test('GO without the block sizes promises nothing; with them it does', () => {
  const go = (infos: number[]) =>
    haggle(concat([FIXED, encodeOption(Option.GO, infoData('disk', infos))])).agreed;
  expect(go([])?.blockSizeNegotiated).toBe(false);
  expect(go([InfoType.BLOCK_SIZE])?.blockSizeNegotiated).toBe(true);
});

test('flags-that-fit: DF is offered only after structured replies were agreed', () => {
  const go = encodeOption(Option.GO, infoData('disk'));
  const structured = encodeOption(Option.STRUCTURED_REPLY, NOTHING);
  expect((haggle(concat([FIXED, go])).agreed?.flags ?? 0) & SEND_DF).toBe(0);
  const agreed = haggle(concat([FIXED, structured, go])).agreed;
  expect((agreed?.flags ?? 0) & SEND_DF).toBe(SEND_DF);
  expect(agreed?.structuredReplies).toBe(true);
});

test('STRUCTURED_REPLY twice is refused, and the first still holds', () => {
  const structured = encodeOption(Option.STRUCTURED_REPLY, NOTHING);
  const go = encodeOption(Option.GO, infoData('disk'));
  const { output, agreed } = haggle(concat([FIXED, structured, structured, go]));
  expect(types(output)).toEqual([ACK, ERR_INVALID, INFO, ACK]);
  expect(agreed?.structuredReplies).toBe(true);
});

test('LIST names every export with its description', () => {
  const { output } = haggle(concat([FIXED, encodeOption(Option.LIST, NOTHING)]));
  expect(types(output)).toEqual([SERVER, SERVER, ACK]);
  const names = replies(output)
    .slice(0, 2)
    .map(([, , data]) => [
      data.subarray(4, 4 + data.readUInt32BE(0)).toString(),
      data.subarray(4 + data.readUInt32BE(0)).toString(),
    ]);
  expect(names).toEqual([
    ['disk', 'a disk'],
    ['ü/ber', 'a disk'],
  ]);
});

test('an unknown name can be asked for again with a better one', () => {
  const { output, state } = haggle(
    concat([
      FIXED,
      encodeOption(Option.GO, infoData('dixk')),
      encodeOption(Option.GO, infoData('disk')),
    ]),
  );
  expect(types(output)).toEqual([ERR_UNKNOWN, INFO, ACK]);
  expect(state).toBe('transmission');
});

test('a server that shuts down says so, and lets only ABORT through', () => {
  const options = [Option.LIST, Option.GO, Option.STRUCTURED_REPLY, 99, Option.ABORT];
  const { output, state, orderly } = haggle(
    concat([FIXED, ...options.map((option) => encodeOption(option, NOTHING))]),
    [],
    { down: true },
  );
  expect(types(output)).toEqual([ERR_SHUTDOWN, ERR_SHUTDOWN, ERR_SHUTDOWN, ERR_SHUTDOWN, ACK]);
  expect({ state, orderly }).toEqual({ state: 'closed', orderly: true });
});

describe('faults of clients that are served', () => {
  const { ABORT, LIST, GO, INFO, STARTTLS, STRUCTURED_REPLY, LIST_META_CONTEXT } = Option;
  const query = (name: string) => contextOption(LIST_META_CONTEXT, 'disk', name);
  const go = encodeOption(GO, infoData('disk'));
  const list = encodeOption(LIST, NOTHING);

  /** Each part comes when the answer to the one before has been sent. */
  function faultsOf(...parts: readonly Uint8Array[]): readonly ClientFault[] {
    const faults: ClientFault[] = [];
    const onFault = (fault: ClientFault): void => void faults.push(fault);
    const options = { tls: 'on', contexts: true, onFault } as const;
    const handshake = new ServerHandshake(host(options), options);
    for (const part of parts) handshake.receive(part, 0, part.length);
    return faults;
  }

  test.each([
    ['none', [FIXED, list, encodeOption(INFO, infoData('', [1, 2, 3, 77])), go], []],
    ['flags and an option at once', [concat([FIXED, list]), go], []],
    ['two options at once', [FIXED, concat([list, go])], ['pipelined-option']],
    ['an option cut anywhere', [FIXED, list.subarray(0, 9), list.subarray(9), go], []],
    ['a request behind GO', [FIXED, concat([go, NOTHING, FIXED])], ['pipelined-option']],
    ['bytes behind ABORT', [FIXED, concat([encodeOption(ABORT, NOTHING), FIXED])], []],
    ['bytes behind STARTTLS', [FIXED, concat([encodeOption(STARTTLS, NOTHING), FIXED])], []],
    ['ABORT with data', [FIXED, encodeOption(ABORT, FIXED)], ['abort-with-data']],
    ['ABORT with much', [FIXED, encodeOption(ABORT, Buffer.alloc(1e5))], ['abort-with-data']],
    ['one info twice', [FIXED, encodeOption(GO, infoData('', [3, 3]))], ['repeated-info-request']],
    ['a list early', [FIXED, query('base:')], ['context-list-too-early']],
    [
      'a query without a colon',
      [FIXED, encodeOption(STRUCTURED_REPLY, NOTHING), query('base')],
      ['context-without-namespace'],
    ],
  ])('%s', (_, parts, faults) => {
    expect(faultsOf(...parts)).toEqual(faults);
  });
});
