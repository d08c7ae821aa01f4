/** The data of a device, as the API gives it: what it takes while somebody reads goes back. crash.md section 1. */

import { expect, test } from 'vitest';
import { dataOf } from '../../src/control/snapshots/data.ts';
import { until } from '../until.ts';
import { type Served, serve } from './served.ts';

const DEVICE = '/v1/devices/nullb0';

async function fill(it: Served): Promise<void> {
  const json = { size: 4, memory_backed: 1, power: 1 };
  expect((await it.ask('PUT', DEVICE, { json })).status).toBe(201);
  expect(it.io('write', 0, 8)).toBe('OK');
}

const ways: [string, (it: Served) => Promise<unknown>][] = [
  ['read to its end', (it) => it.ask('GET', `${DEVICE}/data`)],
  ['asked for with HEAD', (it) => it.ask('HEAD', `${DEVICE}/data`)],
  [
    'left before a byte is read',
    async ({ tree }) => {
      (await dataOf(tree, 'nullb0')).destroy();
    },
  ],
  [
    'left in the middle',
    async ({ tree }) => {
      const stream = await dataOf(tree, 'nullb0');
      stream.once('data', () => stream.destroy());
      await until(() => stream.closed);
    },
  ],
];

test.each(ways)('%s: its memory goes with the device', async (_, read) => {
  const it = await serve();
  await fill(it);
  await it.ask('DELETE', DEVICE);
  const without = it.memory.usedBytes;
  await fill(it);
  expect(it.memory.usedBytes).toBeGreaterThan(without);
  await read(it);
  await it.ask('DELETE', DEVICE);
  await until(() => it.memory.usedBytes === without);
});
