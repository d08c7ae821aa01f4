/** Starts the built program for a test, and sees to it that it lived, met no bug and ends well. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { testThreadFlags } from '../threads-of-tests.ts';
import { missing } from './programs.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;

export interface Tnull {
  readonly uri: string;
  readonly ready: readonly string[];
  readonly folder: string;
  /** The control socket. */
  readonly control: string;
  readonly pid: number;
  /** The URI of another device than nullb0. */
  uriOf(device: string): string;
  /** A command to it, as `tnull set nullb0 mbps=1`. @returns its stdout. @throws with its words. */
  command(...words: string[]): Promise<string>;
  stderr(): string;
  /** RSS in bytes. */
  rss(): number;
  /** User and system time in clock ticks. */
  ticks(): number;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts tnull on sockets of its own; `{folder}` in an argument stands for the folder they are in. */
export async function startTnull(args: readonly string[], debug = true): Promise<Tnull> {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-system-'));
  const socket = join(folder, 's');
  const control = join(folder, 'c');
  const words = args.map((arg) => arg.replaceAll('{folder}', folder));
  const child = spawn(
    process.execPath,
    [program, ...testThreadFlags, '-U', socket, '--control', control, ...words],
    {
      env: { ...process.env, TNULL_DEBUG: debug ? '1' : '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  await untilReady(
    child,
    control,
    () => out,
    () => err,
  );
  const uriOf = (device: string): string => `nbd+unix:///${device}?socket=${socket}`;
  return {
    uri: uriOf('nullb0'),
    uriOf,
    ready: out.trim().split('\n'),
    folder,
    control,
    command: (...words) => run(process.execPath, program, ...words, '--control', control),
    pid: child.pid ?? -1,
    stderr: () => err,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(proc(child, 'status'))?.[1]) * 1024,
    ticks: () => {
      const fields = proc(child, 'stat').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    },
    async stop(signal = 'SIGTERM') {
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
      expect(child.exitCode, `tnull lived; it said:\n${err}`).toBeNull();
      child.kill(signal);
      const status = await exited;
      expect(err).not.toContain('bug:');
      expect(existsSync(socket), 'the socket is removed').toBe(false);
      rmSync(folder, { recursive: true });
      return status;
    },
  };
}

function proc(child: ChildProcess, file: string): string {
  return readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
}

/** Until every export is served; without exports, until the control socket answers. */
async function untilReady(
  child: ChildProcess,
  control: string,
  out: () => string,
  err: () => string,
): Promise<void> {
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  while (
    !out().endsWith('bytes\n') &&
    !(err().includes('nr_devices=0') && (await answers(control)))
  ) {
    if (ended) throw new Error(`tnull ended: ${err()}`);
    await sleep(10);
  }
}

async function answers(control: string): Promise<boolean> {
  const socket = connect(control);
  const answered = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return answered;
}

/** Runs a foreign program to its end. @returns what it wrote to stdout.
 *  @throws with its words when it fails; names the Debian package when it is missing. */
export function run(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === 'ENOENT') return reject(new Error(missing(command)));
      return reject(new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`));
    });
  });
}

/** Runs a script in python3-libnbd with `h` connected to `uri`. */
export function nbdsh(uri: string, script: string): Promise<string> {
  const head = `import nbd, os\nuri=${JSON.stringify(uri)}\nh=nbd.NBD()\nh.connect_uri(uri)\n`;
  return run('/usr/bin/python3', '-c', head + script);
}

/** fio's nbd engine with verification: it fails when a block is not what was written. */
export function fio(uri: string, ...args: string[]): Promise<string> {
  return run(
    'fio',
    '--name=t',
    '--ioengine=nbd',
    `--uri=${uri}`,
    '--verify=crc32c',
    '--verify_fatal=1',
    '--verify_state_save=0', // a file in the checkout
    ...args,
  );
}
