/** Too few file descriptors: one line, and the program goes on; and a folder that we must not trust. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { WireClient } from '../wire/wire-client.ts';
import { program, runIn } from './program.ts';

/** The program with so many file descriptors. */
function limited(descriptors: number, ...words: readonly string[]) {
  const all = [process.execPath, program, 'size=1', '--log-level', 'warn', ...words];
  const child = spawn('sh', ['-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, ...all]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (said.stdout += data));
  child.stderr.on('data', (data) => (said.stderr += data));
  return { child, said };
}

/** @returns undefined when too many clients wait to be accepted, as on a busy machine. */
async function connected(path: string): Promise<net.Socket | undefined> {
  const socket = net.connect(path);
  socket.on('error', () => {});
  return await once(socket, 'connect').then(
    () => socket,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAGAIN') throw error;
      return undefined;
    },
  );
}

test.each([1, 2])(
  '--threads %i: clients beyond the descriptors are told of once',
  async (threads) => {
    const place = folder();
    const [path = '', control = ''] = ['s', 'c'].map((name) => join(place, name));
    const words = ['-U', path, '--control', control, '--threads', String(threads)];
    const { child, said } = limited(64, ...words);
    await until(() => said.stdout !== '');
    for (const where of [path, control]) {
      // Clients come until one is turned away. Threads give descriptors back as they take others, so that one
      // more may find room.
      const sockets: net.Socket[] = [];
      while (sockets.length < 100 || !said.stderr.includes('no file descriptor is free')) {
        const socket = await connected(where);
        if (socket !== undefined) sockets.push(socket.resume());
      }
      for (const socket of sockets) socket.destroy();
      const lines = said.stderr.trim().split('\n');
      said.stderr = '';
      expect(lines, lines.join('\n')).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        level: 40,
        msg: 'no file descriptor is free: clients are turned away (ulimit -n)',
      });
    }
    // Those who left made room.
    const served = async (): Promise<boolean> => {
      const socket = await connected(path);
      if (socket === undefined) return false;
      const greeting = await WireClient.over(socket)
        .read(18)
        .catch(() => undefined);
      socket.destroy();
      return greeting !== undefined;
    };
    while (!(await served()));
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  },
);

test('a command asks nobody in a folder where others may have put a socket', async () => {
  const runtime = folder();
  const place = join(runtime, 'tnull');
  mkdirSync(place);
  chmodSync(place, 0o777);
  const { status, stderr } = await runIn({ XDG_RUNTIME_DIR: runtime }, 'ls');
  expect(status).toBe(1);
  expect(stderr).toBe(
    `tnull: ${place} can be written by others (--control PATH chooses another socket)\n`,
  );
});
