import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocatesNothing } from '../../../test/allocated.ts';
import {
  COMPACT_REQUEST_BYTES,
  DecodeStatus,
  decodeExtendedRequest,
  decodeRequest,
  EXTENDED_REQUEST_BYTES,
  encodeExtendedRequest,
  encodeRequest,
  encodeRequestAt,
  RequestHeader,
} from '../src/index.ts';

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const requests = fc.record({
  flags: uint16,
  command: uint16,
  cookieHigh: uint32,
  cookieLow: uint32,
  offset: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  length: uint32,
});

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

test('what is encoded is decoded, at any place in a buffer', () => {
  fc.assert(
    fc.property(requests, fc.nat(100), (fields, at) => {
      const view = new DataView(new ArrayBuffer(at + COMPACT_REQUEST_BYTES));
      const header = Object.assign(new RequestHeader(), fields);
      expect(encodeRequest(view, at, header)).toBe(COMPACT_REQUEST_BYTES);
      const decoded = new RequestHeader();
      expect(decodeRequest(view, at, view.byteLength, decoded)).toBe(DecodeStatus.REQUEST);
      expect({ ...decoded }).toEqual({ ...header });
      expect(decoded).toMatchObject(fields);
    }),
  );
});

test('any-cut: every byte but the last leaves a request incomplete', () => {
  const view = new DataView(new ArrayBuffer(COMPACT_REQUEST_BYTES));
  encodeRequest(view, 0, Object.assign(new RequestHeader(), { command: 1, length: 512 }));
  const header = new RequestHeader();
  for (let end = 0; end < COMPACT_REQUEST_BYTES; end++) {
    expect(decodeRequest(view, 0, end, header)).toBe(DecodeStatus.INCOMPLETE);
  }
  expect({ ...header }).toEqual({ ...new RequestHeader() }); // nothing half decoded
  expect(decodeRequest(view, 0, COMPACT_REQUEST_BYTES, header)).toBe(DecodeStatus.REQUEST);
});

test('any-cut: 256 requests in one segment, cut anywhere, are the same requests', () => {
  const bytes = new Uint8Array(256 * COMPACT_REQUEST_BYTES);
  const header = new RequestHeader();
  for (let i = 0; i < 256; i++) {
    header.cookieLow = i;
    encodeRequest(viewOf(bytes), i * COMPACT_REQUEST_BYTES, header);
  }
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const cookies: number[] = [];
      let at = 0;
      for (const end of [...cuts.sort((a, b) => a - b), bytes.length]) {
        while (decodeRequest(viewOf(bytes), at, end, header) === DecodeStatus.REQUEST) {
          cookies.push(header.cookieLow);
          at += COMPACT_REQUEST_BYTES;
        }
      }
      expect(cookies).toEqual(Array.from({ length: 256 }, (_, i) => i));
    }),
  );
});

test('a wrong magic is seen as soon as its four bytes are there', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), (bytes) => {
      fc.pre(viewOf(bytes).getUint32(0) !== 0x25609513);
      const status = decodeRequest(viewOf(bytes), 0, bytes.length, new RequestHeader());
      expect(status).toBe(DecodeStatus.BAD_MAGIC);
    }),
  );
});

test('offset-overflow: offsets above 2^53 stay in order', () => {
  const decoded = (offset: bigint): number => {
    const view = new DataView(new ArrayBuffer(COMPACT_REQUEST_BYTES));
    const header = new RequestHeader();
    encodeRequestAt(view, 0, header, offset);
    decodeRequest(view, 0, COMPACT_REQUEST_BYTES, header);
    return header.offset;
  };
  expect(decoded(2n ** 64n - 512n)).toBe(Number(2n ** 64n - 512n));
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
      if (a <= b) expect(decoded(a)).toBeLessThanOrEqual(decoded(b));
      if (a < 2n ** 53n) expect(BigInt(decoded(a))).toBe(a);
    }),
  );
});

test('requests are decoded without making objects', async () => {
  const view = new DataView(new ArrayBuffer(COMPACT_REQUEST_BYTES));
  const header = new RequestHeader();
  encodeRequest(view, 0, Object.assign(new RequestHeader(), { offset: 2 ** 40, length: 512 }));
  const extended = new DataView(new ArrayBuffer(EXTENDED_REQUEST_BYTES));
  encodeExtendedRequest(extended, 0, header);
  const decode = (times: number): void => {
    for (let i = 0; i < times; i++) {
      decodeRequest(view, 0, COMPACT_REQUEST_BYTES, header);
      decodeExtendedRequest(extended, 0, EXTENDED_REQUEST_BYTES, header);
    }
  };
  expect(await allocatesNothing(decode)).toBe(true);
});
