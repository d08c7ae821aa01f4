/** Requests with payloads out of bytes at any cut, and the arithmetic of 64-bit ranges. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BlockStatusPayload,
  Command,
  CommandFlag,
  DecodeStatus,
  decodeBlockStatusPayload,
  decodeExtendedRequest,
  encodeBlockStatusPayload,
  encodeExtendedRequest,
  encodeExtendedRequestAt,
  encodeRequest,
  endsBeyond,
  payloadBytes,
  RequestDecoder,
  RequestHeader,
  requestFault,
} from '../src/index.ts';

const nat = (max: number) => fc.integer({ min: 0, max });
const uint16 = nat(0xffff);
const uint32 = nat(0xffff_ffff);
const uint64 = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.constantFrom(0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const fields = fc.record({ flags: uint16, command: uint16, cookieHigh: uint32, cookieLow: uint32 });
const view = new DataView(new ArrayBuffer(4096));

test('extended headers: what is encoded is decoded, to the last of 64 bits', () => {
  fc.assert(
    fc.property(fields, uint64, uint64, nat(100), (some, offset, length, at) => {
      const header = Object.assign(new RequestHeader(), some);
      const end = at + encodeExtendedRequestAt(view, at, header, offset, length);
      const decoded = new RequestHeader();
      expect(decodeExtendedRequest(view, at, end, decoded)).toBe(DecodeStatus.REQUEST);
      expect(decoded).toMatchObject({ ...some, offset: Number(offset), length: Number(length) });
      expect((BigInt(decoded.offsetHigh) << 32n) | BigInt(decoded.offsetLow)).toBe(offset);
      expect((BigInt(decoded.lengthHigh) << 32n) | BigInt(decoded.lengthLow)).toBe(length);
    }),
  );
});

test('lengths-of-64-bits: Numbers are encoded as a bigint would be, in both forms', () => {
  fc.assert(
    fc.property(nat(Number.MAX_SAFE_INTEGER), nat(Number.MAX_SAFE_INTEGER), (offset, length) => {
      const header = Object.assign(new RequestHeader(), { offset, length });
      encodeExtendedRequest(view, 0, header);
      expect(view.getBigUint64(16)).toBe(BigInt(offset));
      expect(view.getBigUint64(24)).toBe(BigInt(length));
      header.length = length % 2 ** 32;
      encodeRequest(view, 0, header);
      expect(view.getBigUint64(16)).toBe(BigInt(offset));
    }),
  );
});

test('offset-overflow: whether a range ends beyond a size is exact for all 64 bits', () => {
  const header = new RequestHeader();
  const sizes = fc.tuple(uint64, uint64, fc.bigInt(-3n, 3n), fc.boolean());
  fc.assert(
    fc.property(sizes, ([offset, length, off, near]) => {
      const wanted = near ? offset + length + off : offset + off;
      fc.pre(wanted >= 0n && wanted < 2n ** 64n);
      encodeExtendedRequestAt(view, 0, header, offset, length);
      decodeExtendedRequest(view, 0, 32, header);
      const beyond = endsBeyond(header, Number(wanted >> 32n), Number(wanted & 0xffff_ffffn));
      expect(beyond).toBe(offset + length > wanted);
    }),
    { numRuns: 1000 },
  );
});

test('a BLOCK_STATUS payload comes back', () => {
  const length = nat(Number.MAX_SAFE_INTEGER);
  fc.assert(
    fc.property(length, fc.uniqueArray(uint32, { minLength: 1, maxLength: 20 }), (effect, ids) => {
      const bytes = encodeBlockStatusPayload(view, 0, effect, ids);
      const contexts = ids.map((id) => ({ id, name: `x-a:${id}` })).reverse();
      const payload = new BlockStatusPayload();
      expect(decodeBlockStatusPayload(view, 0, bytes, contexts, payload)).toBe(true);
      expect(payload).toMatchObject({ effectLength: effect, ids });
    }),
  );
});

test.each([
  ['READ', Command.READ, 0, 0, 0],
  ['WRITE', Command.WRITE, 0, 512, 512],
  ['WRITE with PAYLOAD_LEN', Command.WRITE, CommandFlag.PAYLOAD_LEN, 512, 512],
  ['TRIM with PAYLOAD_LEN', Command.TRIM, CommandFlag.PAYLOAD_LEN, 0, 512],
  ['DISC with PAYLOAD_LEN', Command.DISC, CommandFlag.PAYLOAD_LEN, 0, 512],
])('what follows the header of a %s', (_, command, flags, compact, extended) => {
  const header = Object.assign(new RequestHeader(), { command, flags, length: 512 });
  expect(payloadBytes(header, false)).toBe(compact);
  expect(payloadBytes(header, true)).toBe(extended);
});

test.each([
  ['a WRITE without PAYLOAD_LEN', Command.WRITE, 0, 512, 'write-without-payload-len'],
  ['a WRITE of nothing', Command.WRITE, 0, 0, undefined],
  ['a WRITE with PAYLOAD_LEN', Command.WRITE, CommandFlag.PAYLOAD_LEN, 512, undefined],
  ['a READ', Command.READ, 0, 512, undefined],
])('%s in extended headers, and in compact ones, which have no such flag', (...args) => {
  const [, command, flags, length, fault] = args;
  const header = Object.assign(new RequestHeader(), { command, flags, length });
  expect(requestFault(header, true)).toBe(fault);
  expect(requestFault(header, false)).toBeUndefined();
});

test('the decoder tells faults of clients, and a handler need not hear them', () => {
  const written: string[] = [];
  const request = (_: RequestHeader, payload: Uint8Array | undefined): void => {
    written.push(Buffer.from(payload ?? []).toString());
  };
  const faults: string[] = [];
  const bytes = Buffer.concat([
    requestOf(true, { command: Command.WRITE, length: 5 }, Buffer.from('hello')),
    requestOf(true, { command: Command.DISC }, Buffer.from('more')),
  ]);
  const fault = (one: string): void => void faults.push(one);
  for (const handler of [{ request, fault }, { request }]) {
    const decoder = new RequestDecoder(true, 64, handler);
    expect(decoder.receive(bytes, 0, bytes.length)).toBeUndefined();
    // The same fault goes on.
    expect(decoder.receive(bytes, 0, bytes.length)).toBeUndefined();
  }
  expect(written).toEqual(['hello', '', 'hello', '']);
  expect(faults).toEqual(['write-without-payload-len', 'bytes-behind-disc']);
});

interface Heard {
  readonly command: number;
  readonly cookie: number;
  readonly payload: string | undefined;
}

function decode(extended: boolean, bytes: Uint8Array, cuts: readonly number[], payloadMax = 64) {
  const heard: Heard[] = [];
  const decoder = new RequestDecoder(extended, payloadMax, {
    request: ({ command, cookieLow }, payload) => {
      const text = payload === undefined ? undefined : Buffer.from(payload).toString('hex');
      heard.push({ command, cookie: cookieLow, payload: text });
    },
  });
  let failure: string | undefined;
  let at = 0;
  for (const end of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    failure = decoder.receive(bytes, at, Math.max(at, end));
    at = Math.max(at, end);
  }
  return { heard, failure };
}

function requestOf(
  extended: boolean,
  fields_: Partial<RequestHeader>,
  payload: Uint8Array,
): Buffer {
  const header = Object.assign(new RequestHeader(), fields_);
  const bytes = (extended ? encodeExtendedRequest : encodeRequest)(view, 0, header);
  return Buffer.concat([new Uint8Array(view.buffer.slice(0, bytes)), payload]);
}

describe.each([false, true])('extended %s', (extended) => {
  const flags = extended ? CommandFlag.PAYLOAD_LEN : 0;

  test('refused-payload, any-cut: requests and payloads at any cut, long ones thrown away', () => {
    const commands = fc.constantFrom<number>(0, 1, 1, 3, 4, 6, 9, 0xffff);
    const lengths = fc.oneof(nat(64), nat(200));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(commands, lengths), { maxLength: 10 }),
        fc.array(nat(2000), { maxLength: 30 }),
        (list, cuts) => {
          const expected: Heard[] = [];
          const parts = list.map(([command, length], cookieLow) => {
            const payload =
              command === 1 ? new Uint8Array(length).fill(cookieLow + 1) : new Uint8Array(0);
            const text =
              length > 64 && command === 1 ? undefined : Buffer.from(payload).toString('hex');
            expected.push({ command, cookie: cookieLow, payload: text });
            const own = command === 1 ? flags : 0;
            return requestOf(extended, { command, flags: own, cookieLow, length }, payload);
          });
          const bytes = Buffer.concat(parts);
          const inside = cuts.filter((cut) => cut < bytes.length);
          expect(decode(extended, bytes, inside)).toEqual({ heard: expected, failure: undefined });
        },
      ),
    );
  });

  test('nothing behind DISC is looked at', () => {
    const bytes = Buffer.concat([
      requestOf(extended, { command: Command.DISC }, new Uint8Array(0)),
      Buffer.alloc(100, 0xff),
    ]);
    const heard = [{ command: Command.DISC, cookie: 0, payload: '' }];
    expect(decode(extended, bytes, [])).toEqual({ heard, failure: undefined });
  });

  test('long-payload: a payload that no honest client has ends it all', () => {
    const fields_ = { command: Command.WRITE, flags, length: 256 * 1024 * 1024 + 1 };
    const { failure, heard } = decode(
      extended,
      requestOf(extended, fields_, new Uint8Array(0)),
      [],
    );
    expect(failure).toContain('268435457');
    expect(heard).toEqual([]);
  });

  test('a wrong magic ends it all', () => {
    expect(decode(extended, requestOf(!extended, {}, new Uint8Array(8)), []).failure).toContain(
      'magic',
    );
  });
});
