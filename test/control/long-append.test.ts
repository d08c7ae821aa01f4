/** A maximal append through the API: its data are neither joined nor copied in one turn. Counted, not
 *  timed. */

import net from 'node:net';
import { expect, test, vi } from 'vitest';
import { limits } from '../../src/control/limits.ts';
import { SLAB_BYTES } from '../../src/pages/slab.ts';
import { MiB } from '../../src/units.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { serve } from './served.ts';

const DEVICE = '/v1/devices/nullb0';
/** A slice has so many pieces at most, whatever the clock says; each copies one slab. */
const PIECES_MAX = 32;

/** Every sector differs. */
function body(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  const view = new DataView(data.buffer);
  for (let at = 0; at < bytes; at += 512) view.setUint32(at, at / 512 + 1);
  return data;
}

async function zoned(more: object) {
  const allocator = new CountingAllocator();
  const it = await serve({}, { allocator });
  const json = { zoned: 1, size: 256, zone_size: 128, memory_backed: 1, power: 1, ...more };
  expect((await it.ask('PUT', DEVICE, { json })).status).toBe(201);
  /** The most slabs that were taken between two turns of the event loop. */
  const most = { slabs: 0, stop: () => {} };
  let [before, stopped] = [allocator.takes, false];
  const look = (): void => {
    most.slabs = Math.max(most.slabs, allocator.takes - before);
    before = allocator.takes;
    if (!stopped) setImmediate(look);
  };
  look();
  most.stop = () => {
    stopped = true;
  };
  const append = (bytes: number) =>
    it.ask('POST', `${DEVICE}/zones/append?sector=0`, { body: body(bytes) });
  const stored = (sector: number): number => {
    const data = it.data(sector, 1);
    return new DataView(data.buffer, data.byteOffset).getUint32(0);
  };
  return { ...it, allocator, most, append, stored };
}

test.each([
  ['emulated', 0, 0, limits.appendBytes.max],
  ['emulated, not where a slab begins', 0, 8, 16 * MiB],
  ['native', 1 << 18, 0, 16 * MiB],
  ['native, not where a slab begins', 1 << 18, 8, 16 * MiB],
])('%s: all is copied once, a few slabs a turn', async (_, appendMax, first, max) => {
  const concat = vi.spyOn(Buffer, 'concat');
  const it = await zoned({ zone_append_max_sectors: appendMax });
  if (first > 0) await it.append(first * 512);
  const { takes } = it.allocator;
  expect((await it.append(max)).json).toEqual({ sector: first });
  it.most.stop();
  expect(it.most.slabs).toBeLessThanOrEqual(PIECES_MAX);
  // What is handed over is not copied again: at most the two ends are.
  expect(it.allocator.takes - takes).toBeLessThanOrEqual(max / SLAB_BYTES + 1);
  const joined = concat.mock.results.map(({ value }) => Number(value.length));
  expect(Math.max(0, ...joined)).toBeLessThan(max);
  concat.mockRestore();
  const last = max / 512;
  for (const n of [1, 247, 248, 249, 256, 257, last - 8, last]) {
    expect(it.stored(first + n - 1)).toBe(n);
  }
  expect(it.device().zones?.writePointer(0)).toBe(first + last);
  expect((await it.ask('DELETE', DEVICE)).status).toBe(204);
  expect(it.allocator.live.size).toBe(0);
});

test.each([0, 1 << 18])(
  'zone_append_max_sectors=%i: who writes to the zone meanwhile comes before or behind, not between',
  async (appendMax) => {
    const it = await zoned({ zone_append_max_sectors: appendMax });
    const zones = () => it.device().zones;
    const bytes = 8 * MiB;
    let ended = false;
    const asked = it.append(bytes).then(({ json }) => {
      ended = true;
      return json;
    });
    // A sector in each turn for as long as it is alone in the zone: the layout is never right.
    let written = 0;
    while (!ended) {
      await new Promise(setImmediate);
      const pointer = zones()?.writePointer(0) ?? 0;
      if (pointer === written && it.io('write', pointer, 1) === 'OK') written++;
    }
    expect(await asked).toEqual({ sector: written });
    expect(written).toBeGreaterThan(0);
    expect(it.stored(written)).toBe(1);
    expect(it.stored(written + bytes / 512 - 1)).toBe(bytes / 512);
    expect(zones()?.writePointer(0)).toBe(written + bytes / 512);
    await it.ask('DELETE', DEVICE);
    expect(it.allocator.live.size).toBe(0);
  },
);

test.each([0, 1 << 18])(
  'zone_append_max_sectors=%i and a write cache: long data go past it, in one piece',
  async (appendMax) => {
    const it = await zoned({ zone_append_max_sectors: appendMax, cache_size: 64 });
    const { takes } = it.allocator;
    const max = 16 * MiB;
    expect((await it.append(max)).json).toEqual({ sector: 0 });
    expect((await it.append(4096)).json).toEqual({ sector: max / 512 });
    it.most.stop();
    // Short ones are cached.
    const { cache, memory, operations } = it.device().stats();
    expect([cache?.usedBytes, memory.heldBytes]).toEqual([4096, max]);
    expect(operations.write.requests).toBe(2);
    expect(it.allocator.takes - takes).toBeLessThanOrEqual(max / SLAB_BYTES + 1);
    for (const n of [1, 256, 257, max / 512]) expect(it.stored(n - 1)).toBe(n);
    await it.ask('DELETE', DEVICE);
    expect(it.allocator.live.size).toBe(0);
  },
);

test('power off meanwhile: refused, and no memory is kept', async () => {
  const it = await zoned({ zone_append_max_sectors: 0 });
  it.most.stop();
  const { takes } = it.allocator;
  const asked = it.append(32 * MiB);
  while (it.allocator.takes === takes) await new Promise(setImmediate);
  await it.patch({ power: '0' });
  expect(it.allocator.takes - takes).toBeLessThan((32 * MiB) / SLAB_BYTES);
  expect(await asked).toMatchObject({ status: 422, json: { errno: 'ENODEV' } });
  expect(it.allocator.live.size).toBe(0);
});

test('many short chunks are one piece', async () => {
  const it = await zoned({ zone_append_max_sectors: 0 });
  it.most.stop();
  const sizes = vi.spyOn(it.tree, 'append');
  const chunks = Array.from({ length: 4096 }, () => 'x');
  const socket = net.connect({ path: it.path });
  socket.setNoDelay(true);
  const head = `POST ${DEVICE}/zones/append?sector=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
  socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  socket.end(`${chunks.map((one) => `1\r\n${one}\r\n`).join('')}0\r\n\r\n`);
  let answer = '';
  for await (const part of socket) answer += part;
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  expect(sizes.mock.calls.map(([, , ...data]) => data.length)).toEqual([1]);
  expect(it.data(7, 1)).toEqual(new Uint8Array(512).fill(0x78));
});
