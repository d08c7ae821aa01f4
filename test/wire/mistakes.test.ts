/** Mistakes of nbd-protocol.md section 7 that no other file here is about. All are counted by their names,
 *  by test/tidy/mistakes.ts. */

import { Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { serveControlled } from './controlled.ts';
import { FormClient, forms } from './form-client.ts';
import { serve } from './served.ts';

const { READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS } = Command;
const { EINVAL, EOVERFLOW, ENOSPC } = NbdError;
const MIB = 2 ** 20;
const TIB = 2n ** 40n;

describe.each(forms)('in %s replies', (form) => {
  test('flush-covers: a FLUSH covers what was answered before it, by whomever, and nothing else', async () => {
    const words = ['size=4', 'memory_backed=1', 'cache_size=1'];
    const { path, set } = await serveControlled(...words);
    const [one, two] = [
      await FormClient.open(path, { form }),
      await FormClient.open(path, { form }),
    ];
    await one.write(0, Buffer.alloc(4096, 1));
    expect((await two.ask({ command: FLUSH })).error).toBe(0);
    await one.write(8192, Buffer.alloc(4096, 2));
    expect((await two.read(8192, 4096))[0]).toBe(2);
    // Power off drops what the cache holds.
    await set('nullb0', { power: 0 });
    await set('nullb0', { power: 1 });
    const after = await FormClient.open(path, { form });
    expect((await after.read(0, 4096)).equals(Buffer.alloc(4096, 1))).toBe(true);
    expect((await after.read(8192, 4096)).equals(Buffer.alloc(4096))).toBe(true);
  });

  test('flush-covers: with FUA it is that write alone', async () => {
    const words = ['size=4', 'memory_backed=1', 'cache_size=1'];
    const { path, set } = await serveControlled(...words);
    const client = await FormClient.open(path, { form });
    await client.write(0, Buffer.alloc(4096, 1));
    const write = { command: WRITE, flags: CommandFlag.FUA, offset: 8192, length: 4096 };
    expect((await client.ask(write, Buffer.alloc(4096, 2))).error).toBe(0);
    await set('nullb0', { power: 0 });
    await set('nullb0', { power: 1 });
    const after = await FormClient.open(path, { form });
    expect((await after.read(8192, 4096)).equals(Buffer.alloc(4096, 2))).toBe(true);
    expect((await after.read(0, 4096)).equals(Buffer.alloc(4096))).toBe(true);
  });
});

describe('lengths-of-64-bits: lengths of 64 bits', () => {
  /** Lengths that are wrong by one if a Number rounds them, and some that are right. */
  const lengths = [
    ...[2n ** 32n - 512n, 2n ** 32n, 2n ** 32n + 512n, TIB - 512n, TIB],
    ...[TIB + 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n],
    ...[2n ** 64n - 512n, 2n ** 64n - 1n],
  ];

  test.each([
    ['READ', READ, EOVERFLOW],
    ['TRIM', TRIM, EINVAL],
    ['CACHE', CACHE, EINVAL],
    ['WRITE_ZEROES', WRITE_ZEROES, ENOSPC],
    ['BLOCK_STATUS', BLOCK_STATUS, EINVAL],
  ])('%s', async (_, command, error) => {
    const { path } = await serve('size=1048576', 'memory_backed=1', 'discard=1');
    const client = await FormClient.open(path, { form: 'extended', contexts: ['base:allocation'] });
    expect(BigInt(client.size)).toBe(TIB);
    for (const length of lengths) {
      const fine = command !== READ && length <= TIB;
      const reply = await client.ask({ command, length, cookie: length });
      expect([length, reply.error]).toEqual([length, fine ? 0 : error]);
      expect(reply.cookie).toBe(length);
      // The same range, one sector further: never past the end, however long.
      const last = { command, offset: TIB - length, length };
      if (length > 0n && length <= TIB && command !== READ) {
        expect((await client.ask(last)).error).toBe(0);
        expect((await client.ask({ ...last, offset: last.offset + 512n })).error).toBe(error);
      }
    }
    expect((await client.read(0, 512)).length).toBe(512);
  });

  test('the offset of a reply is that of its request, to the last bit', async () => {
    const { path } = await serve('size=4', 'memory_backed=1');
    const client = await FormClient.open(path, { form: 'extended' });
    for (const offset of [2n ** 53n + 1n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
      // FormClient throws where a chunk has another offset.
      expect((await client.ask({ command: READ, offset, length: 512 })).error).toBe(EINVAL);
    }
  });
});

describe.each(['structured', 'extended'] as const)('in %s replies', (form) => {
  test('extent-lengths: the last extent may go past the end, no other; with REQ_ONE none does', async () => {
    const { path } = await serve('size=4', 'memory_backed=1');
    const client = await FormClient.open(path, { form, contexts: ['base:allocation'] });
    await client.write(MIB, Buffer.alloc(MIB, 1));
    const extents = async (offset: number, length: number, flags = 0): Promise<number[]> => {
      const reply = await client.ask({ command: BLOCK_STATUS, flags, offset, length });
      return (reply.statuses.get('base:allocation') ?? []).map((extent) => extent.length);
    };
    const past = await extents(0, MIB + 4096);
    expect(past[0]).toBe(MIB);
    expect(past).toHaveLength(2);
    expect(past[1]).toBeGreaterThanOrEqual(4096);
    expect(past[1]).toBeLessThanOrEqual(MIB);
    expect(await extents(0, MIB + 4096, CommandFlag.REQ_ONE)).toEqual([MIB]);
    expect(await extents(MIB, 4096, CommandFlag.REQ_ONE)).toEqual([4096]);
    const toTheEnd = await extents(3 * MIB, MIB);
    expect(toTheEnd).toEqual([MIB]);
  });
});
