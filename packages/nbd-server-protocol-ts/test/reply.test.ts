import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ChunkFlag,
  ChunkType,
  DecodeStatus,
  decodeReply,
  encodeChunk,
  encodeErrorChunk,
  encodeOffsetData,
  encodeSimpleReply,
  NbdError,
  nbdErrorName,
  OFFSET_DATA_BYTES,
  ReplyHeader,
  STRING_BYTES_MAX,
} from '../src/index.ts';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const memory = new Uint8Array(8192);
const view = new DataView(memory.buffer);

test('a simple reply is its 16 bytes: magic, error, cookie', () => {
  expect(encodeSimpleReply(view, 3, NbdError.EIO, 0x01020304, 0xfffefdfc)).toBe(16);
  const hex = Buffer.from(memory.subarray(3, 19)).toString('hex');
  expect(hex).toBe('674466980000000501020304fffefdfc');
});

test('cookies: cookies of all 64 bits come back from every form of reply', () => {
  fc.assert(
    fc.property(uint32, uint32, uint32, fc.boolean(), (high, low, value, structured) => {
      const length = structured
        ? encodeChunk(view, 0, ChunkFlag.DONE, ChunkType.NONE, high, low, value)
        : encodeSimpleReply(view, 0, value, high, low);
      const header = new ReplyHeader();
      expect(decodeReply(view, 0, length - 1, header)).toBe(DecodeStatus.INCOMPLETE);
      expect(decodeReply(view, 0, length, header)).toBe(DecodeStatus.REQUEST);
      expect(header).toMatchObject({ structured, cookieHigh: high, cookieLow: low });
      expect(structured ? header.length : header.error).toBe(value);
    }),
  );
});

test('data chunks name their offset in 64 bits and the length with it', () => {
  const offset = 2 ** 40 + 512;
  expect(encodeOffsetData(view, 0, ChunkFlag.DONE, 1, 2, offset, 4096)).toBe(OFFSET_DATA_BYTES);
  expect(view.getUint32(16)).toBe(4096 + 8);
  expect(view.getBigUint64(20)).toBe(BigInt(offset));
});

test('read-error-chunk: an error chunk carries the error and its text, and ends the reply', () => {
  const text = new TextEncoder().encode('so nicht: ü');
  const length = encodeErrorChunk(view, memory, 0, 1, 2, NbdError.ENOSPC, text);
  const header = new ReplyHeader();
  decodeReply(view, 0, length, header);
  expect(header).toMatchObject({ flags: ChunkFlag.DONE, type: ChunkType.ERROR });
  expect(header.length).toBe(length - 20);
  expect(view.getUint32(20)).toBe(NbdError.ENOSPC);
  expect(new TextDecoder().decode(memory.subarray(26, length))).toBe('so nicht: ü');
});

test('names: a text above 4096 bytes is cut, never inside a character', () => {
  // Any characters. The unit 'binary' does the same, but takes half a second to get ready.
  const unit = fc.nat(0x10_f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
  fc.assert(
    fc.property(fc.string({ unit, minLength: 1300, maxLength: 2500 }), (string) => {
      const text = new TextEncoder().encode(string.repeat(3));
      const big = new Uint8Array(text.length + 26);
      const bigView = new DataView(big.buffer);
      const length = encodeErrorChunk(bigView, big, 0, 0, 0, NbdError.EIO, text);
      expect(length - 26).toBeLessThanOrEqual(STRING_BYTES_MAX);
      const decoder = new TextDecoder('utf-8', { fatal: true });
      expect(() => decoder.decode(big.subarray(26, length))).not.toThrow();
      if (text.length > STRING_BYTES_MAX) expect(length - 26).toBeGreaterThan(STRING_BYTES_MAX - 4);
    }),
    { numRuns: 50 },
  );
});

test('what is not a reply is told apart', () => {
  view.setUint32(0, 0x25609513);
  expect(decodeReply(view, 0, 16, new ReplyHeader())).toBe(DecodeStatus.BAD_MAGIC);
});

test('errors have the names of the protocol', () => {
  expect(nbdErrorName(108)).toBe('ESHUTDOWN');
  expect(nbdErrorName(11)).toBe('11');
});
