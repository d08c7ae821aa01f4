/** Arbitrary bytes into every decoder: none throws, none hangs, and their output is bounded. fast-check
 *  prints the seed; NBD_FUZZ_RUNS makes it longer. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BlockStatusPayload,
  ClientHandshake,
  Command,
  decodeBlockStatusPayload,
  encodeOption,
  handshakeLimits,
  parseContextRequest,
  parseInfoRequest,
  parseMetaContext,
  RequestDecoder,
  type RequestHeader,
  ServerHandshake,
} from '../src/index.ts';
import { decodeReplies, inFlight } from './events.ts';
import { contextOption, hex, host, infoData } from './haggle.ts';
import { inPieces, mutated } from './mutations.ts';

const numRuns = Number(process.env['NBD_FUZZ_RUNS'] ?? 200);
const noise = fc.uint8Array({ maxLength: 200, size: 'max' });
const cuts = fc.array(fc.nat(600), { maxLength: 12 });
/** Most fields of the protocol are at a boundary of something. */
const numbers = fc.oneof(
  fc.nat(20),
  fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffa, 0xffff_ffff, 65_536, 65_537),
);

const names = fc.constantFrom('', 'disk', 'ü/ber', 'nix', 'x'.repeat(5000));
const queries = fc.array(fc.constantFrom('base:', 'base:allocation', 'x-tnull:', 'a', ':'), {
  maxLength: 5,
});
const options: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(numbers, noise).map(([option, data]) => encodeOption(option, data)),
  fc
    .tuple(fc.constantFrom(1, 2, 3, 5, 8, 11), fc.constant(new Uint8Array(0)))
    .map(([option, data]) => encodeOption(option, data)),
  fc
    .tuple(fc.constantFrom(6, 7), names, fc.array(fc.nat(9), { maxLength: 4 }))
    .map(([option, name, infos]) => encodeOption(option, infoData(name, infos))),
  fc
    .tuple(fc.constantFrom(9, 10), names, queries)
    .map(([option, name, asked]) => contextOption(option, name, ...asked)),
);
const clientBytes = fc.oneof(
  noise,
  fc.tuple(fc.constantFrom(0, 1, 2, 3, 3, 3, 4, 255), mutated(options)).map(([flags, bytes]) => {
    return Uint8Array.from([0, 0, 0, flags, ...bytes]);
  }),
);

describe('the server, from the first byte', () => {
  test.each(['off', 'on', 'require'] as const)('with TLS %s', (tls) => {
    const settings = { tls, extendedHeaders: true, contexts: true, secret: true };
    fc.assert(
      fc.property(clientBytes, cuts, (bytes, at) => {
        let handshake = new ServerHandshake(host(settings), settings);
        let sent = 0;
        inPieces(bytes, at, (start, end) => {
          const progress = handshake.receive(bytes, start, end);
          sent += progress.output.length;
          expect(progress.consumed).toBeLessThanOrEqual(end - start);
          expect(progress.consumed).toBeGreaterThanOrEqual(0);
          if (progress.state === 'starttls') handshake = handshake.secured();
          return progress.state === 'haggling' || progress.state === 'starttls';
        });
        expect(sent).toBeLessThanOrEqual(handshakeLimits.outputBytes.max);
        expect(sent).toBeLessThanOrEqual(1000 + bytes.length * 100);
      }),
      { numRuns },
    );
  });
});

const greeting = hex('4e42444d41474943 49484156454f5054 0003');
const replies: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(5, 11, 8, 10, 7, 6, 3, 9),
    fc.constantFrom(1, 2, 3, 4, 0x8000_0001, 7),
    noise,
  )
  .map(([option, type, data]) => {
    const head = Buffer.alloc(20);
    head.write('0003e889045565a9', 'hex');
    head.writeUInt32BE(option, 8);
    head.writeUInt32BE(type, 12);
    head.writeUInt32BE(data.length, 16);
    return Uint8Array.from([...head, ...data]);
  });
const acks = fc
  .constantFrom(5, 11, 10, 7, 3)
  .map((option) =>
    Uint8Array.from(
      hex(`0003e889045565a9 000000${option.toString(16).padStart(2, '0')} 00000001 00000000`),
    ),
  );

test('the client, from the first byte', () => {
  const wishes = fc.record({
    goal: fc.constantFrom('transmission', 'export-name', 'info', 'list', 'contexts'),
    tls: fc.constantFrom('off', 'on', 'require'),
    extendedHeaders: fc.boolean(),
    contexts: queries,
  });
  const bytes_ = fc.oneof(
    noise,
    mutated(fc.oneof(acks, replies)).map((rest) => Uint8Array.from([...greeting, ...rest])),
  );
  fc.assert(
    fc.property(wishes, bytes_, cuts, (wanted, bytes, at) => {
      const client = new ClientHandshake(wanted);
      let sent = 0;
      inPieces(bytes, at, (start, end) => {
        const progress = client.receive(bytes, start, end);
        sent += progress.output.length;
        expect(progress.consumed).toBeLessThanOrEqual(end - start);
        if (progress.state === 'starttls') sent += client.secured().length;
        return progress.state === 'haggling' || progress.state === 'starttls';
      });
      expect(sent).toBeLessThanOrEqual(1000);
    }),
    { numRuns: numRuns * 3 },
  );
});

const C = '0000000000000001';
const chunks = fc
  .tuple(
    fc.constantFrom('668e33ef', '6e8a278c', '67446698', '67446698'),
    fc.constantFrom('0001', '0000'),
    fc.constantFrom('0000', '0001', '0002', '0005', '0006', '8001', '8002', '8003', '0003'),
    fc.oneof(fc.nat(60), numbers),
    noise,
  )
  .map(([magic, flags, type, length, payload]) => {
    const size = length.toString(16).padStart(magic === '6e8a278c' ? 16 : 8, '0');
    const offset = magic === '6e8a278c' ? '0000000000001000' : '';
    const head =
      magic === '67446698'
        ? `${magic} 00000000 ${C}`
        : `${magic}${flags}${type}${C}${offset}${size}`;
    return Uint8Array.from([...hex(head), ...payload.subarray(0, length)]);
  });

test.each(['simple', 'structured', 'extended'] as const)('replies in the form %s', (form) => {
  const commands = fc.constantFrom<number>(Command.READ, Command.BLOCK_STATUS, Command.WRITE);
  fc.assert(
    fc.property(fc.oneof(noise, mutated(chunks)), commands, cuts, (bytes, command, at) => {
      const inside = at.filter((one) => one < bytes.length);
      const request = inFlight(command, 1, 4096, 512);
      const { told, failure } = decodeReplies(form, [request], bytes, inside);
      const whole = decodeReplies(form, [request], bytes);
      expect(failure).toBe(whole.failure);
      expect(told.length).toBeLessThanOrEqual(bytes.length);
      for (const [what, , delta, length] of told) {
        if (what === 'data')
          expect(Number(delta) + String(length).length / 2).toBeLessThanOrEqual(512);
        if (what === 'hole') expect(Number(delta) + Number(length)).toBeLessThanOrEqual(512);
      }
    }),
    { numRuns: numRuns * 2 },
  );
});

test.each([false, true])('requests, extended %s', (extended) => {
  const heads = fc
    .tuple(fc.boolean(), fc.nat(40), fc.nat(12), fc.nat(300), noise)
    .map(([other, flags, command, length, payload]) => {
      const form = other !== extended;
      const word = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0');
      const head = `${form ? '21e41c71' : '25609513'}${word(flags, 2)}${word(command, 2)}${C}${C}`;
      return Uint8Array.from([...hex(head + word(length, form ? 8 : 4)), ...payload]);
    });
  fc.assert(
    fc.property(fc.oneof(noise, mutated(heads)), cuts, (bytes, at) => {
      const decoded = (ends: readonly number[]): unknown[] => {
        const heard: unknown[] = [];
        const tell = (header: RequestHeader, payload: Uint8Array | undefined): void => {
          heard.push({ ...header, payload: payload?.slice() });
        };
        const decoder = new RequestDecoder(extended, 100, { request: tell });
        inPieces(bytes, ends, (start, end) => {
          const failure = decoder.receive(bytes, start, end);
          if (failure !== undefined) heard.push(failure);
          return failure === undefined;
        });
        return heard;
      };
      const inside = at.filter((one) => one < bytes.length);
      expect(decoded(inside)).toEqual(decoded([]));
    }),
    { numRuns },
  );
});

test('the parsers of data', () => {
  const contexts = [{ id: 1, name: 'base:allocation' }];
  const payload = new BlockStatusPayload();
  fc.assert(
    fc.property(noise, (bytes) => {
      parseInfoRequest(bytes);
      parseContextRequest(bytes);
      parseMetaContext(bytes);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const valid = decodeBlockStatusPayload(view, 0, bytes.length, contexts, payload);
      expect(valid && bytes.length !== 12).toBe(false);
    }),
    { numRuns },
  );
});
