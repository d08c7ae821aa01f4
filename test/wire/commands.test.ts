/** Every command with every flag, legal and illegal, in each of the three reply forms, on devices that
 *  offer different things: what is answered is worked out from nbd-protocol.md sections 3.2 and 3.3. */

import {
  ChunkType,
  Command,
  CommandFlag,
  InfoType,
  NbdError,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { testRows } from '../test-runs.ts';
import { type Form, FormClient, forms } from './form-client.ts';
import { serve, serveWith } from './served.ts';

const { READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS, RESIZE } = Command;
const { FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;
const { EINVAL, EOVERFLOW, ENOSPC } = NbdError;
const T = TransmissionFlag;
const MIB = 2 ** 20;

const devices = {
  memory: ['memory_backed=1'],
  'null device': [],
  'cache and discard': ['memory_backed=1', 'cache_size=1', 'discard=1'],
  'cache without FUA': ['memory_backed=1', 'cache_size=1', 'fua=0'],
  zones: ['memory_backed=1', 'zoned=1', 'zone_size=1', 'zone_nr_conv=4'],
  'bandwidth limit': ['memory_backed=1', 'mbps=40960'],
} as const;

/** What a command may carry beside its own rules, by what was told in the handshake. */
function legalFlags(command: number, client: FormClient, contexts: boolean): number | undefined {
  const { flags } = client;
  const offers = (flag: number): boolean => (flags & flag) !== 0;
  const fua = offers(T.SEND_FUA) ? FUA : 0;
  switch (command) {
    case READ:
      return fua | (offers(T.SEND_DF) ? DF : 0);
    case WRITE:
    case FLUSH:
      return fua;
    case TRIM:
      return offers(T.SEND_TRIM) ? fua : undefined;
    case CACHE:
      return offers(T.SEND_CACHE) ? fua : undefined;
    case WRITE_ZEROES:
      return fua | NO_HOLE | (offers(T.SEND_FAST_ZERO) ? FAST_ZERO : 0);
    case BLOCK_STATUS:
      return contexts ? fua | REQ_ONE : undefined;
    default:
      return undefined;
  }
}

const commands = [READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS, RESIZE, 9, 0xffff];

/** No flag, each flag alone, and some together. */
const flagSets = [
  0,
  ...Array.from({ length: 16 }, (_, bit) => 1 << bit),
  ...[
    FUA | DF,
    FUA | NO_HOLE,
    NO_HOLE | FAST_ZERO,
    FUA | NO_HOLE | FAST_ZERO,
    REQ_ONE | FUA,
    0xffff,
  ],
];

describe.each(testRows(Object.entries(devices)))('%s', (_, words) => {
  describe.each(forms)('in %s replies', (form) => {
    test.each(form === 'simple' ? [false] : [false, true])(
      'each command takes its flags and no others (contexts: %s)',
      async (withContexts) => {
        const { path } = await serve('size=8', ...words);
        const contexts = withContexts ? ['base:allocation'] : [];
        const client = await FormClient.open(path, { form, contexts });
        for (const command of commands) {
          const legal = legalFlags(command, client, withContexts);
          for (const flags of flagSets) {
            const length = command === FLUSH ? 0 : 4096;
            // Where it is a flag at all it says that these bytes come; no command but WRITE takes them.
            const announced = form === 'extended' && (flags & PAYLOAD_LEN) !== 0;
            const comes = command === WRITE || announced;
            const payload = comes ? new Uint8Array(length).fill(1) : undefined;
            const cookie = BigInt(command) * 65_536n + BigInt(flags);
            const reply = await client.ask({ command, flags, length, cookie }, payload);
            const rest = announced && command === WRITE ? flags & ~PAYLOAD_LEN : flags;
            const fine = legal !== undefined && (rest & ~legal) === 0;
            const what = `command ${command}, flags 0x${flags.toString(16)}`;
            expect([what, reply.error]).toEqual([what, fine ? 0 : EINVAL]);
            expect(reply.cookie).toBe(cookie);
            if (form !== 'simple' && !fine) {
              expect(reply.types).toEqual([ChunkType.ERROR]);
              expect(reply.text).not.toBe('');
            }
          }
        }
        expect((await client.read(4096, 512)).length).toBe(512);
      },
    );
  });
});

test.each(forms)('DISC has no reply, whatever its flags and range (%s)', async (form) => {
  const { path } = await serve('size=4');
  for (const flags of [0, FUA, NO_HOLE, 0x8000]) {
    const client = await FormClient.open(path, { form });
    client.send({ command: READ, length: 512, cookie: 3n });
    client.send({ command: DISC, flags, offset: 2n ** 64n - 1n, length: 512 });
    expect((await client.whole({ command: READ, length: 512 })).cookie).toBe(3n);
    expect((await client.wire.end()).length).toBe(0);
  }
});

describe.each(forms)('ranges in %s replies', (form) => {
  const open = async (...words: string[]): Promise<FormClient> => {
    const { path } = await serve('size=4', 'memory_backed=1', 'discard=1', ...words);
    const contexts = form === 'simple' ? [] : ['base:allocation'];
    return await FormClient.open(path, { form, contexts });
  };
  const beyond: readonly (readonly [string, number, number])[] = [
    ['READ', READ, EINVAL],
    ['WRITE', WRITE, ENOSPC],
    ['TRIM', TRIM, EINVAL],
    ['CACHE', CACHE, EINVAL],
    ['WRITE_ZEROES', WRITE_ZEROES, ENOSPC],
    ['BLOCK_STATUS', BLOCK_STATUS, EINVAL],
  ];

  test('offset-overflow: beyond the end', async () => {
    const client = await open();
    const end = BigInt(4 * MIB);
    for (const [what, command, error] of beyond) {
      const offsets = [end, end - 511n, 2n ** 53n - 512n, 2n ** 53n + 1n, 2n ** 63n - 512n];
      for (const offset of [...offsets, 2n ** 64n - 512n, 2n ** 64n - 1n, 2n ** 64n - 511n]) {
        const payload = command === WRITE ? new Uint8Array(512) : undefined;
        const found = await client.ask({ command, offset, length: 512 }, payload);
        expect(found.error, `${what} at ${offset}`).toBe(error);
      }
      if (form !== 'extended' || command === WRITE) continue;
      for (const length of [end + 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 512n]) {
        const tooLong = command === READ ? EOVERFLOW : error;
        const found = await client.ask({ command, offset: 512, length });
        expect(found.error, `${what} of ${length}`).toBe(length <= 2n ** 26n ? error : tooLong);
      }
    }
  });

  const empty: readonly (readonly [string, number, number])[] = [
    ['READ', READ, EINVAL],
    ['WRITE', WRITE, form === 'extended' ? EINVAL : 0], // a payload of no bytes is none
    ['TRIM', TRIM, 0],
    ['CACHE', CACHE, 0],
    ['WRITE_ZEROES', WRITE_ZEROES, 0],
    ['BLOCK_STATUS', BLOCK_STATUS, EINVAL],
    ['FLUSH', FLUSH, 0],
  ];

  test('empty-chunk, zero-length: commands of no bytes', async () => {
    const client = await open();
    for (const [what, command, error] of empty) {
      expect((await client.ask({ command })).error, what).toBe(error);
      const atEnd = command === FLUSH ? EINVAL : error;
      expect((await client.ask({ command, offset: 4 * MIB })).error, what).toBe(atEnd);
    }
  });

  test('a FLUSH with a length or an offset', async () => {
    const client = await open('cache_size=1');
    expect((await client.ask({ command: FLUSH, length: 1 })).error).toBe(EINVAL);
    expect((await client.ask({ command: FLUSH, offset: 2n ** 63n })).error).toBe(EINVAL);
    expect((await client.ask({ command: FLUSH })).error).toBe(0);
  });
});

describe('what is offered', () => {
  const flagsOf = async (form: Form, contexts: string[], ...words: string[]): Promise<number> => {
    const { path } = await serve('size=4', ...words);
    return (await FormClient.open(path, { form, contexts })).flags;
  };
  const memory = 'memory_backed=1';

  test('flags-that-fit: DF with chunks only, status payloads with extended headers and contexts only', async () => {
    const all = T.SEND_DF | T.BLOCK_STATUS_PAYLOAD;
    expect((await flagsOf('simple', [], memory)) & all).toBe(0);
    expect((await flagsOf('structured', ['base:allocation'], memory)) & all).toBe(T.SEND_DF);
    expect((await flagsOf('extended', [], memory)) & all).toBe(T.SEND_DF);
    expect((await flagsOf('extended', ['base:allocation'], memory)) & all).toBe(all);
  });

  test.each([
    ['memory', [memory], true],
    ['the null device', [], true],
    ['a cache', [memory, 'cache_size=1'], false],
    ['zones', [memory, 'zoned=1', 'zone_size=1'], false],
    ['a bandwidth limit', [memory, 'mbps=100'], false],
  ])('flags-that-fit: FAST_ZERO of %s, with WRITE_ZEROES', async (_, words, fast) => {
    const flags = await flagsOf('structured', [], ...words);
    expect((flags & T.SEND_FAST_ZERO) !== 0).toBe(fast);
    expect(flags & T.SEND_WRITE_ZEROES).not.toBe(0);
    expect(flags & T.SEND_CACHE).not.toBe(0);
    expect(flags & T.SEND_RESIZE).toBe(0);
  });
});

describe.each(forms)('FAST_ZERO and NO_HOLE in %s replies', (form) => {
  test('the data are zeros; a hole only where one is allowed', async () => {
    const { path } = await serve('size=4', 'memory_backed=1');
    const client = await FormClient.open(path, { form });
    const other = await FormClient.open(path, { form: 'extended', contexts: ['base:allocation'] });
    for (const [flags, status] of [
      [FAST_ZERO, 3n],
      [FAST_ZERO | NO_HOLE, 2n],
      [NO_HOLE, 2n],
      [0, 3n],
    ] as const) {
      await client.write(0, Buffer.alloc(MIB, 7));
      const zeroes = { command: WRITE_ZEROES, flags, offset: 4096, length: MIB - 8192 };
      expect((await client.ask(zeroes)).error).toBe(0);
      expect((await client.read(4096, MIB - 8192)).every((byte) => byte === 0)).toBe(true);
      expect((await client.read(0, 4096)).every((byte) => byte === 7)).toBe(true);
      const asked = { command: BLOCK_STATUS, offset: 65_536, length: 65_536, flags: REQ_ONE };
      const extents = (await other.ask(asked)).statuses.get('base:allocation');
      expect(extents?.[0]?.status).toBe(status);
    }
  });
});

describe('alignment', () => {
  const asks = [
    [READ, 1, 4096],
    [READ, 0, 511],
    [WRITE, 512, 4096],
    [WRITE, 4096, 512],
    [TRIM, 100, 8192],
    [CACHE, 100, 8192],
    [WRITE_ZEROES, 4096, 4097],
    [BLOCK_STATUS, 512, 4096],
  ] as const;
  const errors = async (path: string, form: Form, infos: number[] = []): Promise<number[]> => {
    const contexts = form === 'simple' ? [] : ['base:allocation'];
    const client = await FormClient.open(path, { form, contexts, infos });
    const found: number[] = [];
    for (const [command, offset, length] of asks) {
      const payload = command === WRITE ? new Uint8Array(length).fill(9) : undefined;
      const reply = await client.ask({ command, offset, length }, payload);
      found.push(reply.error);
      if (reply.error !== 0 && form !== 'simple') expect(reply.text).toMatch(/block/);
    }
    return found;
  };
  const words = ['size=4', 'memory_backed=1', 'discard=1', 'bs=4096'];

  test.each(['structured', 'extended'] as const)('emulate serves them all (%s)', async (form) => {
    const { path } = await serve(...words);
    expect(await errors(path, form)).toEqual(asks.map(() => 0));
    // One byte is the minimum that was told, so nothing is promised.
    expect(await errors(path, form, [InfoType.BLOCK_SIZE])).toEqual(asks.map(() => 0));
  });

  test.each(forms)('error refuses them all (%s)', async (form) => {
    const { path } = await serveWith({ alignment: 'error' }, ...words);
    expect(await errors(path, form)).toEqual(asks.map(() => EINVAL));
    const client = await FormClient.open(path, { form });
    await client.write(4096, Buffer.alloc(4096, 5));
    expect((await client.read(0, 8192))[4096]).toBe(5);
    expect((await client.read(0, 4096)).every((byte) => byte === 0)).toBe(true);
  });

  test('on zones who asked for the block sizes in GO is held to them, who did not may read', async () => {
    const { path } = await serve('size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1', 'bs=4096');
    const read = { command: READ, offset: 512, length: 512 };
    const promised = await FormClient.open(path, {
      form: 'extended',
      infos: [InfoType.BLOCK_SIZE],
    });
    expect((await promised.ask(read)).error).toBe(EINVAL);
    const free = await FormClient.open(path, { form: 'extended' });
    expect((await free.ask(read)).error).toBe(0);
    const write = { command: WRITE, offset: 0, length: 512 };
    expect((await free.ask(write, new Uint8Array(512))).error).toBe(EINVAL);
  });
});
