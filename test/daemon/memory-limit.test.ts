/** Full memory: writes fail with ENOSPC, everything else goes on, and freed memory can be written again. With
 *  limits of the kernel: test/system/memory-limit.test.ts. Source: docs/running.md, When memory is full. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { MiB } from '../../src/units.ts';
import { exhaust, fill, serve, threads } from './exhaust.ts';

describe.each(threads)('%s', (_, words) => {
  test('--memory-limit', async () => {
    const daemon = await serve(undefined, '--memory-limit', '48M', ...words);
    const written = await exhaust(daemon);
    expect(written).toBeGreaterThanOrEqual(46);
    expect(written).toBeLessThanOrEqual(48);
  });
});

test('the API and the metrics say what is the limit and what is used', async () => {
  const { client, call } = await serve(undefined, '--memory-limit', '16M');
  const memory = async (): Promise<unknown> => JSON.parse((await call('GET', '/v1')).text).memory;
  expect(await memory()).toEqual({ limitBytes: 16 * MiB, usedBytes: 0 });
  const written = await fill(client);
  const { text } = await call('GET', '/metrics');
  expect(text).toContain(`\ntnull_memory_limit_bytes ${16 * MiB}\n`);
  const [, used] = /\ntnull_memory_used_bytes (\d+)\n/.exec(text) ?? [];
  expect(Number(used)).toBeGreaterThanOrEqual(written * MiB);
  expect(Number(used)).toBeLessThanOrEqual(16 * MiB);
  expect(text).toMatch(/\ntnull_memory_refusals_total [1-9]/);
});

test('single pages far from each other count as pages, not as slabs', async () => {
  const { client } = await serve(undefined, '--memory-limit', '16M');
  let written = 0;
  for (let error = 0; error === 0 && written < 10_000; written++) {
    const request = { command: Command.WRITE, offset: written * MiB, length: 4096 };
    ({ error } = await client.request(request, Buffer.alloc(4096, 1)));
  }
  // 4 KiB, and 1 KiB for a slab of its own; 64 are below each part of the table.
  expect(written).toBeGreaterThan(3000);
  expect(written).toBeLessThan(4096);
});
