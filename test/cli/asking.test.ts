/** How commands are asked for: help in all its forms, flags before and behind, and which daemon is asked.
 *  docs/spec/control.md, The program. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { serve } from '../control/served.ts';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';
import { run } from './program.ts';

function environment(name: string, value: string): void {
  vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

test.each([
  [['help'], ['--help']],
  [['-h'], ['--help']],
  [
    ['help', 'ls'],
    ['ls', '--help'],
  ],
  [
    ['ls', '-h'],
    ['ls', '--help'],
  ],
  [
    ['help', 'crash'],
    ['crash', '--help'],
  ],
  [
    ['crash', '-h'],
    ['crash', '--help'],
  ],
  [
    ['help', 'crash', 'images'],
    ['crash', 'images', '--help'],
  ],
  [['-V'], ['--version']],
])('%j says what %j says', async (short, long) => {
  const said = await runHere(...short);
  expect(said).toMatchObject({ status: 0, stderr: '' });
  expect(said.stdout).not.toBe('');
  expect(said).toEqual(await runHere(...long));
});

test('help of what is no command is a mistake that names the nearest', async () => {
  expect(await runHere('help', 'statz')).toEqual({
    status: 2,
    stdout: '',
    stderr: "tnull: statz: neither a command nor a parameter; the nearest is 'stats'\n",
  });
});

test('--control and --json stand before the command or behind it', async () => {
  const { path, device } = await serve();
  device('a');
  const behind = await runHere('get', 'a', 'size', '--json', '--control', path);
  expect(behind).toMatchObject({ status: 0, stderr: '' });
  for (const before of [
    ['--control', path, '--json', 'get', 'a', 'size'],
    [`--control=${path}`, 'get', '--json', 'a', 'size'],
    ['--json', 'get', 'a', `--control=${path}`, 'size'],
  ]) {
    expect(await runHere(...before)).toEqual(behind);
  }
});

test('TNULL_CONTROL says which daemon is asked; --control wins', async () => {
  const [one, two] = [await serve(), await serve()];
  one.device('one');
  two.device('two');
  environment('TNULL_CONTROL', one.path);
  expect((await runHere('get', 'one', 'power')).stdout).toBe('0\n');
  expect((await runHere('get', 'two', 'power', '--control', two.path)).stdout).toBe('0\n');
});

test('what --run starts asks the daemon beside it', async () => {
  const command = '"$NODE" "$TNULL" get nullb0 power';
  vi.stubEnv('NODE', process.execPath);
  vi.stubEnv('TNULL', new URL('../../bin/tnull.js', import.meta.url).pathname);
  onTestFinished(() => void vi.unstubAllEnvs());
  const control = join(folder(), 'elsewhere');
  const ended = await run('-U', '-', 'size=1', '--control', control, '--run', command);
  expect(ended).toMatchObject({ status: 0, stdout: '1\n' });
});

test('beside other daemons a command says which one it asks', async () => {
  const runtime = folder();
  environment('XDG_RUNTIME_DIR', runtime);
  const place = join(runtime, 'tnull');
  mkdirSync(place, { mode: 0o700 });
  const socket = join(place, 'control.sock');
  const { device } = await serve({ socket: { path: socket, isPrivate: true } });
  device('a');
  // Of a daemon that was killed.
  writeFileSync(join(place, 'control-4194305.sock'), '');
  expect(await runHere('get', 'a', 'power')).toMatchObject({ stdout: '0\n', stderr: '' });
  const other = `control-${process.pid}.sock`;
  writeFileSync(join(place, other), '');
  const note = `tnull: asks the daemon at ${socket}; others are at ${other} (--control PATH or TNULL_CONTROL chooses)\n`;
  expect(await runHere('get', 'a', 'power')).toEqual({ status: 0, stdout: '0\n', stderr: note });
  expect(await runHere('get', 'a', 'power', '--control', socket)).toMatchObject({ stderr: '' });
});
