/** Full memory: writes fail with ENOSPC, everything else goes on, and freed memory can be written again.
 *  Source: docs/running.md, When memory is full. */

import { join } from 'node:path';
import { Command, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { addressKiB, type Started, start, startWithin } from '../cli/program.ts';
import { type Answered, ask } from '../control/http.ts';
import { folder } from '../folder.ts';
import { WireClient } from '../wire/wire-client.ts';
import { makeCgroup } from './cgroup.ts';

const MiB = 1 << 20;

interface Daemon {
  readonly started: Started;
  readonly client: WireClient;
  call(method: string, path: string, json?: object): Promise<Answered>;
}

/** A daemon with a sparse device, much larger than what there is. @param limit of a shell. */
async function serve(limit: string | undefined, ...words: readonly string[]): Promise<Daemon> {
  const place = folder();
  const [socket, control] = [join(place, 's'), join(place, 'c')];
  const device = ['memory_backed=1', 'size=1048576', 'discard=1'];
  const args = ['-U', socket, '--control', control, ...device, ...words];
  const started = limit === undefined ? start(...args) : startWithin(limit, ...args);
  await started.ready();
  const client = await WireClient.simple(socket);
  const call: Daemon['call'] = async (method, path, json) => {
    return await ask({ socketPath: control }, method, path, json === undefined ? {} : { json });
  };
  return { started, client, call };
}

function pattern(n: number): Buffer {
  return Buffer.alloc(MiB, (n % 250) + 1);
}

async function write(client: WireClient, n: number): Promise<number> {
  const request = { command: Command.WRITE, offset: n * MiB, length: MiB };
  return (await client.request(request, pattern(n))).error;
}

/** Writes MiB after MiB until one fails. @returns how many were written. */
async function fill(client: WireClient, from = 0): Promise<number> {
  for (let n = from; n < 4096; n++) {
    const error = await write(client, n);
    if (error === 0) continue;
    expect(error).toBe(NbdError.ENOSPC);
    return n;
  }
  throw new Error('4 GiB were written, and no limit was met');
}

async function expectData(client: WireClient, from: number, end: number): Promise<void> {
  for (let n = from; n < end; n++) {
    const data = await client.readData(n * MiB, MiB);
    if (!data.equals(pattern(n))) throw new Error(`MiB ${n} is not what was written`);
  }
}

async function trim(client: WireClient, from: number, count: number): Promise<number> {
  const request = { command: Command.TRIM, offset: from * MiB, length: count * MiB };
  return (await client.request(request)).error;
}

/** Fills it, and checks that it lives and gives memory to the next writer after some was freed. */
async function exhaust({ client, call, started }: Daemon): Promise<number> {
  const written = await fill(client);
  await expectData(client, 0, written);
  // Written again in place: no memory is needed.
  expect(await write(client, 0)).toBe(0);
  expect(await trim(client, 0, Math.floor(written / 2))).toBe(0);
  const again = await fill(client, written);
  expect(again - written).toBeGreaterThanOrEqual(Math.floor(written / 2) - 1);
  await expectData(client, Math.floor(written / 2), again);
  // A device that goes away gives all of it back.
  expect((await call('DELETE', '/v1/devices/nullb0')).status).toBe(204);
  const made = await call('PUT', '/v1/devices/b', { memory_backed: 1, size: 4096, power: 1 });
  expect(made.status).toBe(201);
  const other = await WireClient.simple(clientPath(started), 'b');
  expect(await fill(other)).toBeGreaterThanOrEqual(written - 1);
  other.socket.destroy();
  started.child.kill('SIGTERM');
  const { status, stderr } = await started.ended;
  expect(status).toBe(0);
  expect(stderr).toContain('memory is full: writes fail with ENOSPC');
  return written;
}

function clientPath({ child }: Started): string {
  return child.spawnargs[child.spawnargs.indexOf('-U') + 1] ?? '';
}

const threads = [
  ['one thread', []],
  ['two threads', ['--threads', '2']],
] as const;

describe.each(threads)('%s', (_, words) => {
  test('--memory-limit', async () => {
    const daemon = await serve(undefined, '--memory-limit', '48M', ...words);
    const written = await exhaust(daemon);
    expect(written).toBeGreaterThanOrEqual(46);
    expect(written).toBeLessThanOrEqual(48);
  });

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
