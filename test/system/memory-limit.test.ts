/** Full memory where the kernel limits it: writes fail with ENOSPC, everything else goes on, and freed memory can
 *  be written again. Source: docs/running.md, When memory is full. */

import { describe, expect, test } from 'vitest';
import { MiB } from '../../src/units.ts';
import { addressKiB } from '../cli/program.ts';
import { exhaust, serve, threads } from '../daemon/exhaust.ts';
import { makeCgroup } from './cgroup.ts';

describe.each(threads)('%s', (_, words) => {
  test('what ulimit -v leaves, without a limit of its own', async () => {
    const limit = (await addressKiB(...words)) + 190_000;
    const daemon = await serve(`ulimit -v ${limit}`, '--memory-limit', '0', ...words);
    expect(await exhaust(daemon)).toBeGreaterThanOrEqual(16);
  });

  test('what a real cgroup leaves, and the kernel kills nobody', async (context) => {
    const group = makeCgroup(352 * MiB);
    if (typeof group === 'string') return context.skip(`no cgroup can be made: ${group}`);
    // By default 352 MiB less 128 and an eighth.
    const written = await exhaust(await serve(group.enter, ...words));
    expect(written).toBeGreaterThanOrEqual(174);
    expect(written).toBeLessThanOrEqual(180);
    expect(group.kills()).toBe(0);
  });
});

test('what ulimit -v leaves is the limit, unless somebody says more', async () => {
  const { call } = await serve(`ulimit -v ${(await addressKiB()) + 450_000}`);
  const { limitBytes } = JSON.parse((await call('GET', '/v1')).text).memory;
  expect(limitBytes).toBeGreaterThan(16 * MiB);
  expect(limitBytes).toBeLessThan(500 * MiB);
});
