/** Socket activation: LISTEN_FDS and what belongs to it, with real inherited sockets.
 *  control.md section 1, sd_listen_fds(3). */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, renameSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { takeSockets } from '../../src/cli/activation.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { WireClient } from '../wire/wire-client.ts';
import { useDevice } from './client.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
/** LISTEN_PID is the process that runs tnull in the end. */
const LAUNCH = 'test "$LISTEN_PID" || export LISTEN_PID=$$; exec "$@"';

interface Activated {
  readonly child: ChildProcess;
  stdout(): string;
  readonly ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
}

/** A file descriptor, or a server or socket of ours, as descriptor 3 and so on. */
function activate(
  sockets: readonly (number | net.Server)[],
  environment: Record<string, string>,
  ...args: string[]
): Activated {
  const fds = sockets.map((socket) => (typeof socket === 'number' ? socket : fdOf(socket)));
  const words = [process.execPath, program, 'size=4', 'memory_backed=1', '--no-control', ...args];
  const child = spawn('/bin/sh', ['-c', LAUNCH, 'sh', ...words], {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    env: { ...process.env, LISTEN_FDS: String(fds.length), ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data) => (stdout += data));
  child.stderr?.on('data', (data) => (stderr += data));
  const ended = once(child, 'close').then(([status]) => ({ status, stdout, stderr }));
  return { child, stdout: () => stdout, ended };
}

function fdOf(server: net.Server | net.Socket): number {
  const { fd } = Object(Reflect.get(server, '_handle'));
  return Number(fd);
}

/** Listens and accepts no client: the program must do that. */
async function listening(where: net.ListenOptions): Promise<net.Server> {
  const server = net.createServer();
  server.listen(where);
  await once(server, 'listening');
  return server;
}

/** Our copy is closed. Node removes a socket's file then, so it is put aside. */
function letGo(server: net.Server, path?: string): void {
  if (path !== undefined) renameSync(path, `${path}.aside`);
  server.close();
  if (path !== undefined) renameSync(`${path}.aside`, path);
}

test('sockets of both kinds are served, without a word on stdout, and stay when it ends', async () => {
  const path = join(folder(), 's');
  const tcp = await listening({ port: 0, host: '127.0.0.1' });
  const unix = await listening({ path });
  const address = tcp.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const tnull = activate([tcp, unix], { LISTEN_FDNAMES: 'nbd:local' });
  letGo(tcp);
  letGo(unix, path);
  await useDevice(await WireClient.simple(port));
  await useDevice(await WireClient.simple(path));
  tnull.child.kill('SIGTERM');
  const { status, stdout, stderr } = await tnull.ended;
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toContain(`attach with: nbd-client 127.0.0.1 ${port} -N nullb0`);
  expect(stderr).toContain(`attach with: nbd-client -unix ${path} -N nullb0`);
  expect(existsSync(path)).toBe(true); // it is systemd's
});

test('--listen adds to them; without it there is no default address', async () => {
  const tcp = await listening({ port: 0, host: '127.0.0.1' });
  const path = join(folder(), 's');
  const tnull = activate([tcp], {}, '-U', path);
  letGo(tcp);
  await until(() => tnull.stdout().includes('socket='));
  expect(tnull.stdout().trim().split('\n')).toHaveLength(1);
  await useDevice(await WireClient.simple(path));
});

test('--run is told of them, and does not inherit what says so', async () => {
  const tcp = await listening({ port: 0, host: '127.0.0.1' });
  const command = 'echo "$port $unixsocket$LISTEN_FDS$LISTEN_PID."; test ! -S /proc/self/fd/3';
  const tnull = activate([tcp], {}, '--run', command);
  letGo(tcp);
  const { status, stdout } = await tnull.ended;
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\d+ \.\n$/);
});

test('what is meant for another process is left alone', async () => {
  const path = join(folder(), 's');
  const tnull = activate([], { LISTEN_PID: '1', LISTEN_FDS: '5' }, '-U', path);
  await until(() => tnull.stdout().endsWith('bytes\n'));
  expect(tnull.stdout()).toContain(path);
});

describe('one line, and nothing is started', () => {
  async function refused(activated: Activated): Promise<string> {
    const { status, stdout, stderr } = await activated.ended;
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
    return stderr;
  }
  const quiet = ['--log-level', 'error'];

  test('a descriptor that is not open', async () => {
    const line = await refused(activate([], { LISTEN_FDS: '2' }, ...quiet));
    expect(line).toMatch(/file descriptor 3: it is (not open|not a socket)/);
  });

  test('a file', async () => {
    const file = openSync(program, 'r');
    const line = await refused(activate([file], { LISTEN_FDNAMES: 'disk' }, ...quiet));
    expect(line).toContain('file descriptor 3 (disk): it is not a socket');
  });

  test.each(['unix', 'tcp'])('a connected socket (%s)', async (kind) => {
    const server = await listening(
      kind === 'unix' ? { path: join(folder(), 's') } : { port: 0, host: '127.0.0.1' },
    );
    const address = server.address();
    const socket = net.connect(
      typeof address === 'string' ? { path: address } : { port: address?.port ?? 0 },
    );
    await once(socket, 'connect');
    const line = await refused(activate([fdOf(socket)], {}, ...quiet));
    expect(line).toContain('it does not listen: with Accept=yes use StandardInput=socket');
    socket.destroy();
    server.close();
  });

  test.each(['x', '-1', '5000', ''])('LISTEN_FDS=%s', async (text) => {
    const line = await refused(activate([], { LISTEN_FDS: text }, ...quiet));
    expect(line).toContain(`LISTEN_FDS=${text}: must be a number of sockets`);
  });
});

describe('the variables', () => {
  test('are taken out, whoever they were for', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a::c:d', HOME: '/' };
    expect(takeSockets({ ...environment }, 8)).toEqual([]);
    expect(takeSockets(environment, 7)).toEqual([
      { fd: 3, name: 'a' },
      { fd: 4, name: undefined },
      { fd: 5, name: 'c' },
    ]);
    expect(environment).toEqual({ HOME: '/' });
  });

  test('are not there for most', () => {
    expect(takeSockets({}, 7)).toEqual([]);
    expect(takeSockets({ LISTEN_FDS: '1' }, 7)).toEqual([]);
    expect(takeSockets({ LISTEN_PID: '7' }, 7)).toEqual([]);
  });
});
