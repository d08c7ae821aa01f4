/** The program's life: ready lines, private sockets, commands, signals. control.md section 1. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { controlCommands } from '../../src/cli/commands.ts';
import { watchedParent } from '../../src/cli/parent.ts';
import { rows } from '../../src/config/parameters.ts';
import { clientLimits } from '../../src/server/client-limits.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { WireClient } from '../wire/wire-client.ts';
import { sayGoodbye } from './client.ts';
import { run, start, startIn } from './program.ts';

const SMALL = ['size=1', 'nr_devices=2'];

test('without devices stdout names each listener', async () => {
  const path = join(folder(), 's');
  const tnull = start('nr_devices=0', '-U', path, '--no-control');
  expect(await tnull.ready()).toBe(`nbd+unix:///?socket=${path} no exports\n`);
});

test('stdout is one line for each listener and export, and nothing else ever', async () => {
  const path = join(folder(), 's');
  const tnull = start(
    ...SMALL,
    '-U',
    path,
    '--listen',
    'nbd://127.0.0.1:0',
    '--log-level',
    'debug',
  );
  const ready = await tnull.ready();
  const port = /:(\d+)\/nullb0/.exec(ready)?.[1];
  net.connect({ path }).on('data', function (this: net.Socket) {
    this.destroy();
  });
  tnull.child.kill('SIGTERM');
  const { status, stdout, stderr } = await tnull.ended;
  expect(status).toBe(0);
  expect(stdout.trim().split('\n').toSorted()).toEqual(
    [
      `nbd+unix:///nullb0?socket=${path} 1048576 bytes`,
      `nbd+unix:///nullb1?socket=${path} 1048576 bytes`,
      `nbd://127.0.0.1:${port}/nullb0 1048576 bytes`,
      `nbd://127.0.0.1:${port}/nullb1 1048576 bytes`,
    ].toSorted(),
  );
  expect(stderr).toContain(`nbd-client -unix ${path} -N nullb1 /dev/nbd0 -b 512`);
  expect(existsSync(path)).toBe(false);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with status 0', async (signal) => {
  const tnull = start('-U', join(folder(), 's'), 'size=1');
  await tnull.ready();
  tnull.child.kill(signal);
  expect((await tnull.ended).status).toBe(0);
});

test('-U - is a private socket, gone with the program', async () => {
  const tnull = start('-U', '-', 'size=1');
  const path = /socket=(\S+)/.exec(await tnull.ready())?.[1] ?? '';
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  tnull.child.kill('SIGTERM');
  await tnull.ended;
  expect(existsSync(dirname(path))).toBe(false);
});

test('--run: the command knows where, and its status is ours', async () => {
  const { status, stdout } = await run(
    'size=1',
    '--run',
    'test -S "$unixsocket" && echo "$uri" && exit 7',
  );
  expect(status).toBe(7);
  const path = /^nbd\+unix:\/\/\/nullb0\?socket=(\S+)\n$/.exec(stdout)?.[1] ?? '';
  expect(path).not.toBe('');
  expect(existsSync(path)).toBe(false);
});

test('--run with a TCP listener sets $port', async () => {
  const args = ['--listen', 'nbd://127.0.0.1:0', 'size=1', '--run', 'test "$port" -gt 0'];
  expect((await run(...args)).status).toBe(0);
});

test('--run beside two listeners: $uri is the first, each kind has its own variable', async () => {
  const path = join(folder(), 's');
  const args = ['--listen', 'nbd://127.0.0.1:0', '-U', path, 'size=1', 'nr_devices=2'];
  const { status, stdout } = await run(...args, '--run', 'echo "$port $unixsocket $uri"');
  expect(status).toBe(0);
  const [port, socket, uri] = stdout.trim().split(' ');
  expect(Number(port)).toBeGreaterThan(0);
  expect(socket).toBe(path);
  expect(uri).toBe(`nbd://127.0.0.1:${port}/nullb0`);
});

test('the attach command has the block size of the device', async () => {
  const path = join(folder(), 's');
  const tnull = start('-U', path, 'size=1', 'bs=4096');
  await tnull.ready();
  tnull.child.kill('SIGTERM');
  const { stderr } = await tnull.ended;
  expect(stderr).toContain(`nbd-client -unix ${path} -N nullb0 /dev/nbd0 -b 4096`);
});

test('--run: a command that a signal ended, and one that is not there', async () => {
  expect((await run('size=1', '--run', 'kill -9 $$')).status).toBe(137);
  expect((await run('size=1', '--run', 'no-such-program 2>/dev/null')).status).toBe(127);
});

test('--pid-file holds the process id while it runs', async () => {
  const place = folder();
  const pid = join(place, 'pid');
  const tnull = start('-U', join(place, 's'), '--pid-file', pid, 'size=1');
  await tnull.ready();
  expect(Number(readFileSync(pid, 'utf8'))).toBe(tnull.child.pid);
  tnull.child.kill('SIGTERM');
  await tnull.ended;
  expect(existsSync(pid)).toBe(false);
});

test('--exit-with-parent ends when the parent is gone', async () => {
  const path = join(folder(), 's');
  const bin = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const shell = spawn('/bin/sh', [
    '-c',
    `"${process.execPath}" "${bin}" -U "${path}" size=1 --exit-with-parent >/dev/null 2>&1 & ` +
      `while ! test -S "${path}"; do :; done; kill -9 $$`,
  ]);
  await new Promise((resolve) => shell.once('exit', resolve));
  await until(() => !existsSync(path));
});

test('--exit-with-parent ends with the process that TNULL_PARENT names, and not with others', async () => {
  const parent = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const gone = once(parent, 'exit');
  onTestFinished(() => void parent.kill('SIGKILL'));
  const path = join(folder(), 's');
  const bin = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const TNULL_PARENT = String(parent.pid);
  // A shell between us, which ends at once.
  const run = `"${process.execPath}" "${bin}" -U "${path}" size=1 --exit-with-parent >/dev/null 2>&1 &`;
  await once(spawn('/bin/sh', ['-c', run], { env: { ...process.env, TNULL_PARENT } }), 'exit');
  await until(() => existsSync(path));
  parent.kill('SIGKILL');
  await gone;
  await until(() => !existsSync(path));
  // It had ended before we began: 0 after a start, too.
  const late = startIn({ TNULL_PARENT }, '-U', path, 'size=1', '--exit-with-parent');
  expect(await late.ended).toMatchObject({ status: 0 });
  expect(existsSync(path)).toBe(false);
  const wrong = startIn({ TNULL_PARENT: 'me' }, '-U', path, '--exit-with-parent');
  expect(await wrong.ended).toMatchObject({
    status: 2,
    stderr: 'tnull: TNULL_PARENT=me: must be the number of a process\n',
  });
});

test('where /proc is not there or hides others, a parent is known by its number', async () => {
  const parent = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const gone = once(parent, 'exit');
  onTestFinished(() => void parent.kill('SIGKILL'));
  const hasEnded = watchedParent(1, { TNULL_PARENT: String(parent.pid) }, folder());
  expect(hasEnded()).toBe(false);
  parent.kill('SIGKILL');
  await gone;
  expect(hasEnded()).toBe(true);
  expect(watchedParent(1, { TNULL_PARENT: String(parent.pid) }, folder())()).toBe(true);
});

test('--exit-with-parent ends when nobody is left to read --ready-fd', async () => {
  // A parent that is killed while we start is not our parent any more when we look who that is.
  const path = join(folder(), 's');
  const bin = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const args = [bin, '-U', path, 'size=1', '--no-control', '--exit-with-parent', '--ready-fd=3'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  child.stdio[3]?.destroy();
  expect(await ended).toEqual([0, null]);
  expect(existsSync(path)).toBe(false);
});

test('the log is JSON lines on stderr where it is no terminal', async () => {
  const tnull = start('-U', join(folder(), 's'), 'size=1', 'discard=1');
  await tnull.ready();
  tnull.child.kill('SIGTERM');
  const { stderr } = await tnull.ended;
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.some((line) => /discard.*memory_backed/.test(line.msg))).toBe(true);
});

test.each([['timeout=1,100,0,0'], ['requeue=1,1,0,0', '--fault-seed', 'x'], []])(
  'the seed of faults is told once where there is a fault: %j',
  async (...words) => {
    const args = ['-U', join(folder(), 's'), 'size=1', 'nr_devices=2', ...words];
    const tnull = start(...args);
    await tnull.ready();
    tnull.child.kill('SIGTERM');
    const told = (await tnull.ended).stderr.match(/faults follow from --fault-seed \w+/g) ?? [];
    expect(told).toHaveLength(words.length === 0 ? 0 : 1);
  },
);

test('a client is one line when it comes and one when it goes, for people too', async () => {
  const path = join(folder(), 's');
  const tnull = start('-U', path, 'size=1', '--log-format', 'pretty');
  await tnull.ready();
  const client = await WireClient.simple(path);
  sayGoodbye(client);
  await client.end();
  tnull.child.kill('SIGTERM');
  const lines = (await tnull.ended).stderr.trim().split('\n');
  const ours = lines.filter((line) => line.includes('"connection"'));
  expect(ours).toHaveLength(2);
  expect(ours[0]).toMatch(/a client has come \{.*"from":"unix","export":"nullb0","replies":"/);
  expect(ours[1]).toMatch(/disconnected \{.*"export":"nullb0","reason":"client"\}/);
});

test.each([
  ['json', true],
  ['pretty', false],
] as const)('--log-format %s is obeyed, and --log-level too', async (format, json) => {
  const tnull = start('-U', join(folder(), 's'), 'size=1', '--log-format', format);
  await tnull.ready();
  tnull.child.kill('SIGTERM');
  const lines = (await tnull.ended).stderr.split('\n');
  expect(lines.some((one) => one.includes('fault'))).toBe(false);
  const line = lines.find((one) => one.includes('attach with: nbd-client')) ?? '';
  expect(line.startsWith('{"level":30,')).toBe(json);
  const quiet = start('-U', join(folder(), 's'), 'size=1', '--log-level', 'silent', 'discard=1');
  await quiet.ready();
  quiet.child.kill('SIGTERM');
  expect((await quiet.ended).stderr).toBe('');
});

test('a warning before an address that everybody reaches', async () => {
  const tnull = start('--listen', 'nbd://0.0.0.0:0', 'size=1', '--log-level', 'warn');
  await tnull.ready();
  tnull.child.kill('SIGTERM');
  const { stderr } = await tnull.ended;
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain('anybody');
});

test('--help names every parameter and every flag; --version the version', async () => {
  const help = await run('--help');
  expect({ ...help, stdout: '' }).toEqual({ status: 0, stdout: '', stderr: '' });
  const own =
    `listen unix run pid-file exit-with-parent log-level log-format control no-control http
    http-token-file stdin config fault-seed`.split(/\s+/);
  own.push(...Object.values(clientLimits).map(({ flag }) => flag));
  const parameters = [...rows].filter(([, row]) => row.where !== 'C').map(([name]) => name);
  for (const name of [...own, 'version', 'help', ...parameters]) {
    expect(help.stdout).toMatch(new RegExp(`^ {2}(-., )?--${name.replaceAll('_', '-')} `, 'm'));
  }
  for (const name of controlCommands.keys()) {
    expect(help.stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
  }
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  expect(await run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});
