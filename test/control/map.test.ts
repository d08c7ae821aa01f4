/** The map of a device against one sector at a time, counted naively. page.md section 1. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { mapOf } from '../../src/driver/device-map.ts';
import { testRuns } from '../test-runs.ts';
import { serve } from './served.ts';
import { type ControlWorld, world } from './world.ts';

const SECTORS = 2048; // 1 MiB
const PAGE = 8;

const range = fc
  .tuple(fc.nat(SECTORS - 1), fc.integer({ min: 1, max: 200 }))
  .map(([first, sectors]) => [first, Math.min(SECTORS, first + sectors)] as const);

async function device(texts: Readonly<Record<string, string>>): Promise<ControlWorld> {
  const it = world();
  const all = { size: '1', memory_backed: '1', ...texts, power: '1' };
  await it.tree.create('nullb0', new Map(Object.entries(all)));
  return it;
}

function map({ tree, device }: ControlWorld, from: number, sectors: number, cells: number) {
  return tree.slicer.run(mapOf(device(), from, sectors, cells));
}

/** How many of the sectors of each cell are in `set`. */
function perCell(set: ReadonlySet<number>, from: number, end: number, step: number): number[] {
  const found: number[] = [];
  for (let cell = from; cell < end; cell += step) {
    let sum = 0;
    for (let at = cell; at < Math.min(end, cell + step); at++) if (set.has(at)) sum++;
    found.push(sum);
  }
  return found;
}

test('data, cache and bad sectors are counted in their cells', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        stored: fc.array(range, { maxLength: 3 }),
        cached: fc.array(range, { maxLength: 3 }),
        bad: fc.array(range, { maxLength: 5 }),
        from: fc.nat(SECTORS + 10),
        sectors: fc.nat(SECTORS + 10),
        cells: fc.integer({ min: 1, max: 300 }),
      }),
      async ({ stored, cached, bad, from, sectors, cells }) => {
        const it = await device({ cache_size: '2' });
        const [data, inCache, isBad] = [new Set<number>(), new Set<number>(), new Set<number>()];
        const write = ([first, end]: readonly [number, number], into: Set<number>[]): void => {
          expect(it.io('write', first, end - first)).toBe('OK');
          for (let at = first; at < end; at++) {
            for (const set of into) set.add(at);
          }
        };
        for (const one of stored) write(one, [data]);
        await it.tree.flush('nullb0');
        for (const one of cached) write(one, [data, inCache]);
        for (const [first, end] of bad) {
          await it.patch({ badblocks: `+${first}-${end - 1}` });
          for (let at = first; at < end; at++) isBad.add(at);
        }
        const found = await map(it, from, sectors, cells);
        const begin = Math.min(from, SECTORS);
        const end = Math.min(SECTORS, begin + sectors);
        const step = Math.max(1, Math.ceil((end - begin) / cells));
        expect(found).toEqual({
          ...{ from: begin, sectorsPerCell: step, zones: undefined },
          data: perCell(data, begin, end, step),
          cached: perCell(inCache, begin, end, step),
          bad: perCell(isBad, begin, end, step),
        });
      },
    ),
    { numRuns: testRuns(40) },
  );
});

test('of the zones in a cell the one to look at first is told', async () => {
  const it = await serve();
  const zoned = { size: 8, zoned: 1, zone_size: 1, zone_nr_conv: 1, memory_backed: 1 };
  await it.ask('PUT', '/v1/devices/nullb0', { json: { ...zoned, power: 1 } });
  await it.ask('POST', '/v1/devices/nullb0/zones/open?sector=4096');
  await it.ask('POST', '/v1/devices/nullb0/zones/finish?sector=6144');
  expect(it.command('nullb0', Command.WRITE, 8192, 8, new Uint8Array(4096)).status).toBe(0);
  const path = '/v1/devices/nullb0/map';
  const each = await it.ask('GET', `${path}?cells=8`);
  expect(each.json).toMatchObject({
    sectorsPerCell: 2048,
    zones: ['not-wp', 'empty', 'explicit-open', 'full', 'implicit-open', 'empty', 'empty', 'empty'],
    data: [0, 0, 0, 0, 8, 0, 0, 0],
  });
  expect((await it.ask('GET', `${path}?cells=2`)).json).toMatchObject({
    zones: ['explicit-open', 'implicit-open'],
  });
  expect((await it.ask('GET', `${path}?from=4096&sectors=2&cells=4`)).json).toMatchObject({
    ...{ from: 4096, sectorsPerCell: 1, zones: ['explicit-open', 'explicit-open'] },
  });
});

test('a device without power has no map, nor has one that is not there', async () => {
  const it = await serve();
  await it.ask('PUT', '/v1/devices/a');
  expect(await it.ask('GET', '/v1/devices/a/map')).toMatchObject({
    ...{ status: 422, json: { errno: 'ENODEV' } },
  });
  expect((await it.ask('GET', '/v1/devices/b/map')).status).toBe(404);
  expect((await it.ask('GET', '/v1/devices/a/map?cells=0')).status).toBe(400);
  expect((await it.ask('GET', '/v1/devices/a/map?cells=5000')).status).toBe(400);
});

test('power that goes while it is made ends it', async () => {
  const it = await device({});
  for (let at = 0; at < SECTORS; at += 2 * PAGE) it.io('write', at, PAGE);
  const work = mapOf(it.device(), 0, SECTORS, 4);
  expect(work.next().done).toBe(false);
  await it.patch({ power: '0' });
  let last = work.next();
  while (last.done !== true) last = work.next();
  expect(last.value).toBeUndefined();
});

test('the largest device takes no longer than its cells', async () => {
  const it = await device({ memory_backed: '0', size: '0', size_bytes: String(2 ** 52) });
  const work = mapOf(it.device(), 0, Number.MAX_SAFE_INTEGER, 512);
  let pieces = 0;
  while (work.next().done !== true) pieces++;
  expect(pieces).toBeLessThan(100);
});
