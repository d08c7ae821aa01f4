/** The limits of a disk as clients meet them: told, and longer requests split, never refused.
 *  rnull-series 19, 74 to 77. */

import { Command, encodeOption, InfoType, Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { serveControlled } from './controlled.ts';
import { serve } from './served.ts';
import { clientFlags, requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE, TRIM } = Command;
const MIB = 2 ** 20;

interface BlockSizes {
  readonly minimum: number;
  readonly preferred: number;
  readonly maximumPayload: number;
}

/** What INFO tells of the default export's block sizes. */
async function blockSizes(path: string): Promise<BlockSizes> {
  const client = await WireClient.connect(path);
  await client.read(18);
  const asked = Buffer.from([0, 0, 0, 0, 0, 1, 0, InfoType.BLOCK_SIZE]);
  client.send(clientFlags(), encodeOption(Option.INFO, asked));
  for (;;) {
    const header = await client.read(20);
    const data = await client.read(header.readUInt32BE(16));
    if (header.readUInt32BE(12) !== OptionReply.INFO) throw new Error('no block sizes');
    if (data.readUInt16BE(0) !== InfoType.BLOCK_SIZE) continue;
    client.reset();
    const [minimum, preferred, maximumPayload] = [2, 6, 10].map((at) => data.readUInt32BE(at));
    return {
      minimum: minimum ?? 0,
      preferred: preferred ?? 0,
      maximumPayload: maximumPayload ?? 0,
    };
  }
}

describe('the block sizes of an export', () => {
  test.each([
    [[], { minimum: 1, preferred: 4096, maximumPayload: 64 * MIB }],
    [['max_sectors=8'], { minimum: 1, preferred: 4096, maximumPayload: 4096 }],
    [['max_sectors=255'], { minimum: 1, preferred: 4096, maximumPayload: 126_976 }],
    [['max_sectors=1024'], { minimum: 1, preferred: 4096, maximumPayload: 524_288 }],
    [['bs=4096'], { minimum: 1, preferred: 4096, maximumPayload: 64 * MIB }],
    [
      ['zoned=1', 'zone_size=1', 'bs=2048'],
      { minimum: 2048, preferred: 4096, maximumPayload: 64 * MIB },
    ],
  ])('say what %j is', async (words, sizes) => {
    const { path } = await serve('size=4', 'memory_backed=1', ...words);
    expect(await blockSizes(path)).toEqual(sizes);
  });
});

describe('requests beyond the limits are split, never refused', () => {
  test.each([8, 9, 255, 2048])('max_sectors=%i', async (sectors) => {
    const served = await serveControlled('size=8', 'memory_backed=1', `max_sectors=${sectors}`);
    const client = await WireClient.simple(served.path);
    const data = Buffer.from(
      Array.from({ length: 2 * MIB }, (_, at) => (at * 7 + (at >> 9)) & 255),
    );
    const write = { command: WRITE, offset: 1536, length: data.length };
    expect((await client.request(write, data)).error).toBe(0);
    expect((await client.readData(1536, data.length)).equals(data)).toBe(true);
    const { operations } = await served.stats('nullb0');
    const parts = Math.ceil((2 * MIB) / 512 / sectors);
    expect([operations['write']?.requests, operations['read']?.requests]).toEqual([parts, parts]);
  });

  test('virt_boundary=1: pipelined writes wherever they lie in the receive buffer', async () => {
    const words = ['virt_boundary=1', 'irqmode=2', 'completion_nsec=1000'];
    const { path } = await serve('size=8', 'memory_backed=1', ...words);
    const client = await WireClient.simple(path);
    const lengths = [512, 4096, 70_000, 1536, 200_192, 512, 33_280];
    const all = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 13) & 255));
    for (const [at, length] of lengths.entries()) {
      const fields = { command: WRITE, offset: at * MIB + at * 512, length };
      client.send(requestBytes(fields), all.subarray(at, at + length));
    }
    for (const _ of lengths) expect((await client.reply()).error).toBe(0);
    for (const [at, length] of lengths.entries()) {
      const found = await client.readData(at * MIB + at * 512, length);
      expect(found.equals(all.subarray(at, at + length))).toBe(true);
    }
  });

  test('virt_boundary=1: a payload is one range, and one request, however it was received', async () => {
    const served = await serveControlled('size=8', 'memory_backed=1', 'virt_boundary=1');
    const client = await WireClient.simple(served.path);
    const data = Buffer.alloc(MIB, 7);
    const write = { command: WRITE, offset: 1536, length: MIB };
    for (let n = 0; n < 3; n++) expect((await client.request(write, data)).error).toBe(0);
    const { operations } = await served.stats('nullb0');
    expect(operations['write']?.requests).toBe(3);
    expect((await client.readData(1536, MIB)).equals(data)).toBe(true);
  });

  test('max_hw_discard: a TRIM of 4 GiB - 512 is one command of many requests', async () => {
    const served = await serveControlled('size=4096', 'memory_backed=1', 'discard=1');
    const client = await WireClient.simple(served.path);
    // One of them in each slice, but for the last ones: those are one slice with the hole.
    for (let at = 0; at < 16; at++) {
      const write = { command: WRITE, offset: at * 4 * MIB, length: 65_536 };
      expect((await client.request(write, Buffer.alloc(65_536, 1))).error).toBe(0);
    }
    expect((await client.request({ command: TRIM, length: 2 ** 32 - 512 })).error).toBe(0);
    const { operations, memory } = await served.stats('nullb0');
    expect(operations['discard']?.requests).toBe(16); // slices of 4 MiB
    expect(memory.heldBytes).toBe(0);
    expect((await client.request({ command: READ, length: 512 })).error).toBe(0);
  });
});
