/** A daemon whose memory is filled: it lives, says so, and gives memory to the next writer after some was freed. */

import { join } from 'node:path';
import { Command, NbdError } from 'nbd-server-protocol-ts';
import { expect } from 'vitest';
import { MiB } from '../../src/units.ts';
import { type Started, start, startWithin } from '../cli/program.ts';
import { type Answered, ask } from '../control/http.ts';
import { folder } from '../folder.ts';
import { WireClient } from '../wire/wire-client.ts';

export interface Daemon {
  readonly started: Started;
  readonly client: WireClient;
  call(method: string, path: string, json?: object): Promise<Answered>;
}

/** A daemon with a sparse device, much larger than what there is. @param limit of a shell. */
export async function serve(
  limit: string | undefined,
  ...words: readonly string[]
): Promise<Daemon> {
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

export async function write(client: WireClient, n: number): Promise<number> {
  const request = { command: Command.WRITE, offset: n * MiB, length: MiB };
  return (await client.request(request, pattern(n))).error;
}

/** Writes MiB after MiB until one fails. @returns how many were written. */
export async function fill(client: WireClient, from = 0): Promise<number> {
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
export async function exhaust({ client, call, started }: Daemon): Promise<number> {
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

/** For `describe.each`: a title, and words of the command line. */
export const threads = [
  ['one thread', []],
  ['two threads', ['--threads', '2']],
] as const;
