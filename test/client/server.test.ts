/** A server of a test's own: its start, its errors and its end. Source: test-api.md section 1. */

import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { StartError, startDevice, startServer } from '../../src/client/index.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { WireClient } from '../wire/wire-client.ts';

const CLIENT = new URL('../../dist/bundle/client.js', import.meta.url).href;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('it serves on a socket of its own, and leaves nothing behind', async () => {
  const server = await startServer({ faultSeed: 'x', threads: 2 });
  const disk = await server.create('disk', { size: 1, memory_backed: 1 });
  const client = await WireClient.simple(disk.env.unixsocket, 'disk');
  client.socket.destroy();
  expect((await disk.faults.list()).seed).toBe('x');
  expect([lives(server.pid), existsSync(server.control)]).toEqual([true, true]);
  const [first, second] = await Promise.all([server.stop(), server.stop()]);
  expect([first, second]).toEqual([{ code: 0, signal: null }, first]);
  expect([lives(server.pid), existsSync(dirname(server.control))]).toEqual([false, false]);
  expect(await server.exited).toEqual(first);
});

test('it listens where it is told to', async () => {
  const disk = await startDevice({ listen: 'nbd://127.0.0.1:0', size: 1 });
  const client = await WireClient.simple(Number(disk.env.port), 'disk');
  client.socket.destroy();
  await disk.stop();
});

test('a device begins with its faults, and its server ends with it', async () => {
  const faults = [{ op: 'write', error: 'ENOSPC' }] as const;
  let pid = 0;
  {
    const disk = await startDevice({ name: 'small', size: 1, faults });
    pid = disk.server.pid;
    expect((await disk.faults.list()).rules).toHaveLength(1);
    await disk.faults.load({ seed: 1, rules: faults });
    await disk[Symbol.asyncDispose]();
  }
  expect(lives(pid)).toBe(false);
});

test('a device begins with an image, and has its size', async () => {
  const image = join(folder(), 'image');
  writeFileSync(image, Buffer.alloc(8192, 7));
  await using disk = await startDevice({ image, memory_backed: true });
  const client = await WireClient.simple(disk.env.unixsocket, disk.name);
  expect(await client.readData(4096, 4096)).toEqual(Buffer.alloc(4096, 7));
  client.socket.destroy();
  expect(await disk.attributes()).toMatchObject({ size_bytes: 8192 });
});

test('a server ends with the block that uses it', async () => {
  let pid = 0;
  {
    await using server = await startServer();
    pid = server.pid;
    expect(lives(pid)).toBe(true);
  }
  expect(lives(pid)).toBe(false);
});

test('what is wrong with its start is said in its words', async () => {
  const failed = await startServer({ args: ['--sise=3'] }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(StartError);
  expect(failed).toMatchObject({
    message: expect.stringContaining("unknown flag '--sise'"),
    stderr: ["tnull: unknown flag '--sise'; the nearest known is '--size'"],
  });
  await expect(startDevice({ size: 1, zone_size: 3, zoned: 1 })).rejects.toThrow('zone_size');
  await expect(startServer({ args: ['--no-control'] })).rejects.toThrow('control socket');
});

test('a start that is aborted leaves nothing behind', async () => {
  const reason = new Error('enough');
  await expect(startServer({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const abort = new AbortController();
  const starting = startServer({ signal: abort.signal });
  abort.abort(reason);
  await expect(starting).rejects.toBe(reason);
});

test('a start that is aborted late leaves no file behind', async () => {
  const TMPDIR = folder();
  // When the folder is there the daemon has begun, and is hardly ready.
  const abort = new AbortController();
  const starting = startServer({ env: { TMPDIR }, signal: abort.signal }).then(
    (server) => server.stop(),
    (error: unknown) => expect(error).toBe(abort.signal.reason),
  );
  await until(() => readdirSync(TMPDIR).length > 0);
  abort.abort();
  await starting;
  expect(readdirSync(TMPDIR)).toEqual([]);
});

test('a device whose start is aborted when its server is ready throws the reason', async () => {
  const abort = new AbortController();
  const reason = new Error('enough');
  // Read when the plan is sent, which is when the server is ready.
  const faults = {
    rules: [],
    get seed() {
      abort.abort(reason);
      return 'x';
    },
  };
  const options = { size: 1, faults, signal: abort.signal };
  await expect(startDevice(options)).rejects.toBe(reason);
});

test('a server that is killed leaves no file behind', async () => {
  const TMPDIR = folder();
  const server = await startServer({ env: { TMPDIR } });
  expect(readdirSync(TMPDIR)).toHaveLength(1);
  process.kill(server.pid, 'SIGKILL');
  expect(await server.stop()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(readdirSync(TMPDIR)).toEqual([]);
});

test('a server ends when its signal is aborted', async () => {
  const abort = new AbortController();
  const server = await startServer({ signal: abort.signal });
  abort.abort();
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

test('a signal forgets a server that has ended', async () => {
  const { signal } = new AbortController();
  const server = await startServer({ signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await server.stop();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

/** A process that starts a server, tells its pid, and does `then`. */
async function other(
  then: string,
): Promise<{ pid: number; server: number; exit: Promise<unknown> }> {
  const code = `import { startServer } from ${JSON.stringify(CLIENT)};
    const server = await startServer();
    process.stdout.write(server.pid + '\\n');
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Whoever waits for this process may be above it.
    env: { ...process.env, TNULL_PARENT: String(process.pid) },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  return { pid: child.pid ?? 0, server: Number(line), exit };
}

test('a process that ends takes its server with it, and need not stop it', async () => {
  const { server, exit } = await other('');
  expect(await exit).toEqual([0, null]);
  await until(() => !lives(server));
});

test('a process that is killed takes its server with it', async () => {
  const { pid, server, exit } = await other('setInterval(() => {}, 1000);');
  process.kill(pid, 'SIGKILL');
  await exit;
  await until(() => !lives(server));
});
