/** What the service manager hears through systemd's own program. The manager in this test is a few
 *  lines of perl. Source: sd_notify(3). */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runIn, startIn } from '../cli/program.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { call } from './programs.ts';

/** Says each message on a line, with commas for its line breaks. */
const LISTENER = `use Socket; $| = 1;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die;
  while (defined(recv($s, my $m, 4096, 0))) { $m =~ tr/\\n/,/; print "$m\\n" if $m =~ /=/ && $m !~ /^BARRIER/ }`;

interface Manager {
  readonly socket: string;
  heard(): string[];
}

async function manager(): Promise<Manager> {
  expect(call('systemd-notify', ['--version']).status).toBe(0);
  expect(call('perl', ['-MSocket', '-e', '1']).status).toBe(0);
  const socket = join(folder(), 'notify');
  const child: ChildProcess = spawn('perl', ['-e', LISTENER, socket]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout?.on('data', (data) => (text += data));
  await until(() => existsSync(socket));
  return { socket, heard: () => text.split('\n').slice(0, -1) };
}

test('READY when every listener accepts, STOPPING when told to stop', async () => {
  const { socket, heard } = await manager();
  const path = join(folder(), 's');
  const tnull = startIn({ NOTIFY_SOCKET: socket }, '-U', path, 'size=1', 'nr_devices=2');
  await until(() => heard().length > 0);
  const where = `nbd+unix:///?socket=${path}`;
  expect(heard()[0]).toMatch(/^READY=1,STATUS=/);
  expect(heard()[0]).toContain(`Serving 2 exports at ${where}`);
  expect(existsSync(path)).toBe(true);
  tnull.child.kill('SIGTERM');
  const { status, stderr } = await tnull.ended;
  expect(status).toBe(0);
  expect(stderr).not.toContain('systemd-notify');
  await until(() => heard().length > 1);
  expect(heard()[1]).toMatch(/^STOPPING=1/);
});

test('the command of --run is not told where to notify', async () => {
  const { socket } = await manager();
  const { stdout } = await runIn(
    { NOTIFY_SOCKET: socket },
    ...['size=1', '--run', 'echo "<$NOTIFY_SOCKET>"'],
  );
  expect(stdout).toBe('<>\n');
});

test('RELOADING and READY around a reload of the configuration', async () => {
  const { socket, heard } = await manager();
  const place = folder();
  const file = join(place, 'c.json');
  writeFileSync(file, '{ "devices": { "a": { "size": 1 } } }');
  const words = ['-U', join(place, 's'), '--config', file];
  const tnull = startIn({ NOTIFY_SOCKET: socket }, ...words);
  await until(() => heard().length > 0);
  writeFileSync(file, '{ "devices": { "a": {}, "b": { "size": 1 } } }');
  tnull.child.kill('SIGHUP');
  await until(() => heard().length > 2);
  expect(heard()[1]).toMatch(/^RELOADING=1,MONOTONIC_USEC=\d+$/);
  expect(heard()[2]).toMatch(/^READY=1,STATUS=Serving 2 exports/);
});
