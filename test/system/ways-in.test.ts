/** Ways in that other programs open: libnbd and systemd start tnull themselves. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { describeEachDebian } from './debians.ts';
import { run } from './tnull.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
const command = [process.execPath, program];

describeEachDebian(({ run, python }) => {
  test('libnbd hands over a socket (nbdinfo [ tnull ])', async () => {
    const stdout = await run('nbdinfo', '--size', '--', '[', ...command, 'size=64', ']');
    expect(stdout).toBe('67108864\n');
  });

  test('libnbd speaks on standard input and output (connect_command)', async () => {
    const words = JSON.stringify([...command, '--stdin', 'memory_backed=1', 'size=64']);
    const script = `import nbd
h = nbd.NBD()
h.connect_command(${words})
data = bytes(range(256)) * 65536
h.pwrite(data, 4096)
assert h.pread(len(data), 4096) == data
h.shutdown()
print(h.get_size())`;
    const stdout = await python(script);
    expect(stdout).toBe('67108864\n');
  });
});

test('systemd-socket-activate starts it at the first client', async () => {
  const socket = join(folder(), 's');
  const words = ['-l', socket, '-l', `${socket}2`, ...command, 'size=64'];
  const child = spawn('systemd-socket-activate', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, log] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (log += data));
  await until(() => log.includes('as 4'));
  const first = await run('nbdinfo', '--size', `nbd+unix:///?socket=${socket}`);
  expect(first).toBe('67108864\n');
  expect(await run('nbdinfo', '--size', `nbd+unix:///?socket=${socket}2`)).toBe(first);
  expect(out).toBe('');
  child.kill('SIGTERM');
  await until(() => child.exitCode !== null);
  expect(child.exitCode).toBe(0);
});
