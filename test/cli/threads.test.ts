/** `--threads`: the program as a user starts it. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { addressKiB, start, startBehind, startIn, startWithin } from './program.ts';

const threadsOf = (pid: number | undefined): number => readdirSync(`/proc/${pid}/task`).length;

async function connected(path: string): Promise<net.Socket> {
  const socket = net.connect({ path, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'data'); // the greeting
  return socket;
}

test('it has so many threads more, and ends with its clients still there', async () => {
  const path = join(folder(), 's');
  const [one, three] = [
    start('-U', `${path}1`, 'size=1', '--no-control'),
    start('-U', path, 'size=1', '--no-control', '--threads', '3'),
  ];
  await Promise.all([one.ready(), three.ready()]);
  await until(() => threadsOf(three.child.pid) - threadsOf(one.child.pid) === 3);
  const client = await connected(path);
  three.child.kill('SIGTERM');
  const { status, stderr } = await three.ended;
  expect([status, stderr.includes('error')]).toEqual([0, false]);
  client.destroy();
});

test('of --config, unless the command line says otherwise', async () => {
  const [path, config] = [join(folder(), 's'), join(folder(), 'c.json')];
  writeFileSync(config, '{ "threads": 2 }');
  const common = ['--config', config, 'size=1', '--no-control'];
  const [two, one] = [
    start('-U', path, ...common),
    start('-U', `${path}1`, ...common, '--threads=1'),
  ];
  await Promise.all([one.ready(), two.ready()]);
  await until(() => threadsOf(two.child.pid) - threadsOf(one.child.pid) === 2);
});

test('with --run they end with the command', async () => {
  const { status } = await start(
    ...['-U', '-', 'size=1', '--no-control', '--threads', '2'],
    ...['--run', 'test -S "$unixsocket" && exit 3'],
  ).ended;
  expect(status).toBe(3);
});

test('a thread that dies is an error in the log; without any it ends with status 1', async () => {
  const path = join(folder(), 's');
  const [crash, mark] = [join(folder(), 'crash.mjs'), join(folder(), 'die')];
  writeFileSync(
    crash,
    `import { existsSync, renameSync } from 'node:fs';
     import { isMainThread, threadId } from 'node:worker_threads';
     if (!isMainThread) setInterval(() => {
       if (!existsSync('${mark}')) return;
       try { renameSync('${mark}', '${mark}-' + threadId); } catch { return; }
       throw new Error('told to die');
     }, 1);`,
  );
  const tnull = startIn(
    { NODE_OPTIONS: `--import ${crash}` },
    ...['-U', path, 'size=1', '--no-control', '--threads', '2'],
  );
  let said = '';
  tnull.child.stderr?.on('data', (data) => {
    said += data;
  });
  await tnull.ready();
  const first = await Promise.all([connected(path), connected(path)]);
  const ends = first.map((socket) => once(socket.resume(), 'end'));
  writeFileSync(mark, '');
  await Promise.race(ends);
  // Until then it may get clients, who end with it.
  await until(() => said.includes('has died'));
  (await connected(path)).destroy();
  writeFileSync(mark, '');
  const { status, stderr } = await tnull.ended;
  expect(status).toBe(1);
  expect(stderr.match(/told to die/g)).toHaveLength(2);
  expect(stderr.match(/"level":50.*a thread for sockets has died/g)).toHaveLength(2);
});

const TWO = [
  '--listen',
  'nbd://127.0.0.1:0',
  'size=1',
  '--no-control',
  '--log-level',
  'error',
  '--threads',
  '2',
];

test('without a folder for temporary files: one line', async () => {
  const { status, stderr } = await startIn({ TMPDIR: '/nonexistent' }, ...TWO).ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(/^tnull: --threads 2: cannot be started: ENOENT: .*\n$/);
});

const READ_ONLY = ['-t', 'tmpfs', '-o', 'ro', 'none'];

test('with one that is mounted read-only: one line', async (context) => {
  const place = folder();
  // A mount of its own needs a namespace, which not every system lets its users have.
  const mount = `mount ${READ_ONLY.join(' ')} ${place} && TMPDIR=${place}`;
  const behind = ['unshare', '-rm', 'bash', '-c', `${mount} exec "$0" "$@"`];
  const { status: can, stderr: why } = spawnSync('unshare', ['-rm', 'mount', ...READ_ONLY, place]);
  if (can !== 0) return context.skip(`no mount namespace: ${why}`);
  const { status, stderr } = await startBehind(behind, ...TWO).ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(/^tnull: --threads 2: cannot be started: EROFS: .*\n$/);
});

/** Said by Node itself, of our package's file, which is the first that it reads. */
const NODE_HAS_NO_DESCRIPTOR =
  /^node:internal[\s\S]*Cannot read package config [^\n]*package\.json: too many open files/;

test.each([20, 22, 24, 26, 28, 30, 32, 34])(
  'with %i file descriptors it starts, or says in one line that it cannot',
  async (descriptors) => {
    const started = startWithin(`ulimit -n ${descriptors}`, ...TWO);
    const first = await Promise.race([started.ready().catch(() => ''), started.ended]);
    if (typeof first === 'string' && first !== '') return;
    const { status, stderr } = await started.ended;
    expect(status).toBe(1);
    // Node 26 opens more to begin with, and may end before the program has its first line.
    if (!NODE_HAS_NO_DESCRIPTOR.test(stderr)) expect(stderr).toMatch(/^tnull: .*EMFILE.*\n$/);
  },
);

test('without address space for them: one line, where V8 would end the process', async () => {
  const limit = (await addressKiB()) + 700_000;
  const { status, stderr } = await startWithin(`ulimit -v ${limit}`, ...TWO).ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(/^tnull: --threads 2: ulimit leaves \d+ MiB of address space, .*\n$/);
});
