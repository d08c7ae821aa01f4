/** What the service manager hears. The one in this test is a few lines of perl, which like systemd's
 *  own program are not everywhere: without them the test is left out. sd_notify(3). */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { takeNotifier } from '../../src/cli/notify.ts';
import { until } from '../until.ts';
import { folder, runIn, startIn } from './program.ts';

/** Says each message on a line, with commas for its line breaks. */
const LISTENER = `use Socket; $| = 1;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die;
  while (defined(recv($s, my $m, 4096, 0))) { $m =~ tr/\\n/,/; print "$m\\n" if $m =~ /=/ && $m !~ /^BARRIER/ }`;

function works(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const able = works('systemd-notify', '--version') && works('perl', '-MSocket', '-e', '1');

interface Manager {
  readonly socket: string;
  heard(): string[];
}

async function manager(): Promise<Manager> {
  const socket = join(folder(), 'notify');
  const child: ChildProcess = spawn('perl', ['-e', LISTENER, socket]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout?.on('data', (data) => (text += data));
  await until(() => existsSync(socket));
  return { socket, heard: () => text.split('\n').slice(0, -1) };
}

test.skipIf(!able)('READY when every listener accepts, STOPPING when told to stop', async () => {
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

test.skipIf(!able)('the command of --run is not told where to notify', async () => {
  const { socket } = await manager();
  const { stdout } = await runIn(
    { NOTIFY_SOCKET: socket },
    ...['size=1', '--run', 'echo "<$NOTIFY_SOCKET>"'],
  );
  expect(stdout).toBe('<>\n');
});

test('without NOTIFY_SOCKET nothing is started', async () => {
  const environment = { PATH: '/nonexistent' };
  const lines: string[] = [];
  const notifier = takeNotifier(environment, (line) => lines.push(line));
  await notifier.tell('READY=1');
  expect(lines).toEqual([]);
});

test('without systemd-notify one line says so, and it goes on', async () => {
  const environment = { PATH: '/nonexistent', NOTIFY_SOCKET: '/nonexistent' };
  const lines: string[] = [];
  const notifier = takeNotifier(environment, (line) => lines.push(line));
  expect(environment).toEqual({ PATH: '/nonexistent' });
  await notifier.tell('READY=1');
  await notifier.tell('STOPPING=1');
  expect(lines).toEqual([
    'NOTIFY_SOCKET is set, but systemd-notify is not installed: the service manager hears nothing',
  ]);
});
