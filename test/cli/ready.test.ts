/** Ready, healthy, gone: for programs that start tnull. Source: test-api.md section 1. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { checkOpen, isNodes } from '../../src/cli/ready-fd.ts';
import { ask } from '../control/http.ts';
import { folder } from '../folder.ts';
import { WireClient } from '../wire/wire-client.ts';
import { sayGoodbye, useDevice } from './client.ts';
import { runHere } from './here.ts';
import { program, run, start } from './program.ts';

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

function place(): { socket: string; control: string } {
  const at = folder();
  return { socket: join(at, 's'), control: join(at, 'c') };
}

const connect = (path: string): Promise<WireClient> => WireClient.simple(path);

test('--ready-json: one line that says all that a program must know', async () => {
  const { socket, control } = place();
  const tcp = ['--listen', 'nbd://127.0.0.1:0', '--http', '127.0.0.1:0'];
  const tnull = start(
    'size=1',
    'nr_devices=2',
    '-U',
    socket,
    ...tcp,
    '--control',
    control,
    '--ready-json',
  );
  const line = await tnull.ready();
  expect(line.split('\n')).toHaveLength(2);
  const ready = JSON.parse(line);
  const [, port = ''] = /^nbd:\/\/127\.0\.0\.1:(\d+)\/?$/.exec(ready.uris[0]) ?? [];
  expect(Number(port)).toBeGreaterThan(0);
  expect(ready.exports).toEqual(
    ['nullb0', 'nullb1'].map((name) => ({
      ...{ name, size: 1_048_576, block_size: 512 },
      uris: [`nbd://127.0.0.1:${port}/${name}`, `nbd+unix:///${name}?socket=${socket}`],
    })),
  );
  expect(ready).toMatchObject({ control, pid: tnull.child.pid, version });
  expect((await fetch(`${ready.http}/v1`)).status).toBe(200);
});

test('--ready-fd: the same line on a descriptor, which is closed behind it', async () => {
  const { socket } = place();
  const args = [program, 'size=1', '-U', socket, '--no-control', '--ready-fd', '3'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
  const [, , , pipe] = child.stdio;
  if (pipe === null || pipe === undefined || !('read' in pipe)) throw new Error('there is no pipe');
  const ready = JSON.parse(await text(pipe));
  expect(ready).toMatchObject({ pid: child.pid, control: null, http: null });
  const client = await connect(socket);
  sayGoodbye(client);
  child.kill('SIGTERM');
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
});

test.each([
  [['--ready-fd', '1'], 2, '--ready-fd=1: must be a file descriptor, 3..65535'],
  [['--ready-fd', '999'], 1, '--ready-fd 999: whoever started tnull has not opened it'],
  [
    ['--ready-json', '--run', 'true'],
    2,
    '--ready-json: standard output belongs to the command of --run',
  ],
  [
    ['--exit-after-last-client', '--run', 'true'],
    2,
    '--exit-after-last-client: with --run the end of the command is the end',
  ],
  [
    ['--ready-json', '--stdin'],
    2,
    '--stdin: serves only the client there, so it cannot be combined with --ready',
  ],
] as const)('%o is refused', async (words, status, line) => {
  const ended = await runHere('size=1', ...words);
  expect(ended).toMatchObject({ status, stdout: '' });
  expect(ended.stderr).toContain(line);
});

// npx hands down no other descriptors than the standard streams.
test('a descriptor of an event loop is not one that was given', () => {
  const own = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
    } catch {
      return false; // closed meanwhile
    }
  });
  expect(own).not.toEqual([]);
  for (const fd of own) expect(() => checkOpen(Number(fd))).toThrow('has not opened it');
});

test('a pipe with both ends here is of Node, unless it was there before Node', () => {
  const pipe = (number: number, writes: boolean) => ({ leadsTo: `pipe:[${number}]`, writes });
  const loop = { leadsTo: 'anon_inode:[eventpoll]', writes: true };
  const open = (...all: { leadsTo: string; writes: boolean }[]) =>
    new Map([{ leadsTo: '/dev/null', writes: false }, ...all].map((one, fd) => [fd, one]));
  // 3 is the loop, and what follows is Node's.
  const own = open(pipe(1, true), pipe(2, true), loop, pipe(3, false), pipe(3, true));
  expect([4, 5].map((fd) => isNodes(fd, own))).toEqual([true, true]);
  // The shell's `3>&1`: two ends that write, one that others read.
  const copied = open(pipe(1, true), pipe(2, true), pipe(1, true), loop, pipe(1, true));
  expect([3, 5].map((fd) => isNodes(fd, copied))).toEqual([false, false]);
  // Who started us has left us both ends.
  const left = open(pipe(1, true), pipe(2, true), pipe(3, false), pipe(3, true), loop);
  expect([3, 4].map((fd) => isNodes(fd, left))).toEqual([false, false]);
  // Without /proc nobody knows.
  expect(isNodes(4, new Map())).toBe(false);
});

// In most versions the ends of the pipe by which Node hears of signals: closed, it hears of none.
test.each([4, 5])('descriptor %i, which nobody has opened, is refused', async (fd) => {
  const { status, stderr } = await run('size=1', '--no-control', '--ready-fd', String(fd));
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(`^tnull: --ready-fd ${fd}: [^\n]+\n$`),
  ]);
});

test('what cannot be written is refused', async () => {
  const { socket } = place();
  const args = ['-c', 'exec "$@" 3</dev/null', 'sh', process.execPath, program, 'size=1'];
  const child = spawn('sh', [...args, '-U', socket, '--no-control', '--ready-fd', '3']);
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect([status, stderr]).toEqual([1, 'tnull: --ready-fd 3: it is open for reading only\n']);
});

test('a pipe whose reader has gone does not keep the daemon from serving', async () => {
  const { socket } = place();
  const args = [program, 'size=1', '-U', socket, '--no-control', '--ready-fd', '3'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const [, stdout, stderr, pipe] = child.stdio;
  if (stdout === null || pipe === null || pipe === undefined) throw new Error('there are no pipes');
  pipe.destroy();
  await once(stdout, 'data');
  const client = await connect(socket);
  await useDevice(client, 512).catch(() => {}); // the device keeps nothing; it answers
  sayGoodbye(client);
  child.kill('SIGTERM');
  if (stderr === null) throw new Error('there is no stderr');
  expect(await text(stderr)).toContain('--ready-fd 3: ');
});

test('--exit-after-last-client: it ends with the last one that used an export', async () => {
  const { socket } = place();
  const tnull = start(
    'size=1',
    'memory_backed=1',
    '-U',
    socket,
    '--no-control',
    '--exit-after-last-client',
  );
  await tnull.ready();
  // Who only looks at the list, or knocks, is no reason to end.
  const knocks = await WireClient.connect(socket);
  knocks.socket.destroy();
  await once(knocks.socket, 'close');
  const [first, second] = [await connect(socket), await connect(socket)];
  await useDevice(first);
  sayGoodbye(first);
  await once(first.socket, 'close');
  await useDevice(second);
  sayGoodbye(second);
  expect((await tnull.ended).status).toBe(0);
});

test('wait: until the daemon serves, and no longer than it was told to', async () => {
  const { socket, control } = place();
  const late = await runHere('wait', '--timeout', '0', '--control', control);
  expect(late).toMatchObject({ status: 1, stdout: '' });
  expect(late.stderr).toBe(
    `tnull: not within 0 s: no daemon at ${control} (--control PATH chooses another socket)\n`,
  );
  const waits = run('wait', '--control', control);
  const tnull = start('size=1', '-U', socket, '--control', control);
  expect(await waits).toEqual({ status: 0, stdout: '', stderr: '' });
  await tnull.ready();
  const json = await runHere('wait', '--json', '--control', control);
  expect(JSON.parse(json.stdout)).toEqual({ status: 'ok' });
  const wrong = await runHere('wait', '--timeout', 'soon', '--control', control);
  expect(wrong.stderr).toBe('tnull: --timeout=soon: must be 0..86400 seconds\n');
});

test('/healthz asks for no token', async () => {
  const { socket, control } = place();
  const token = join(folder(), 'token');
  writeFileSync(token, 'a-token-of-some-length');
  const http = ['--http', '127.0.0.1:0', '--http-token-file', token];
  const tnull = start('size=1', '-U', socket, '--control', control, ...http, '--ready-json');
  const url = new URL(JSON.parse(await tnull.ready()).http);
  const target = { port: Number(url.port) };
  expect((await ask(target, 'GET', '/v1')).status).toBe(401);
  expect(await ask(target, 'GET', '/healthz')).toMatchObject({
    status: 200,
    json: { status: 'ok' },
  });
  expect((await ask(target, 'GET', '/healthz/../v1')).status).toBe(401);
});

test('reset: all devices as at start, and no others', async () => {
  const { socket, control } = place();
  const words = ['size=1', 'memory_backed=1', '-U', socket, '--control', control];
  const tnull = start(...words);
  await tnull.ready();
  const first = await connect(socket);
  await useDevice(first);
  const tell = async (...what: string[]): Promise<void> => {
    expect(await runHere(...what, '--control', control)).toMatchObject({ status: 0, stderr: '' });
  };
  await tell('create', 'more', 'size=1');
  await tell('set', 'nullb0', 'badblocks=+8-15');
  await tell('faults', 'nullb0', 'add', 'op=write', 'error=EIO');
  await tell('reset');
  await first.end();
  const second = await connect(socket);
  expect(await second.readData(0, 4096)).toEqual(Buffer.alloc(4096));
  await useDevice(second);
  const devices = await ask({ socketPath: control }, 'GET', '/v1/devices');
  expect(devices.json).toMatchObject([{ name: 'nullb0', power: 1 }]);
});
