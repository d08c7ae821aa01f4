/** Starts the built program for a test, and sees to it that it lived, met no bug and ends well. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;

const packages: Record<string, string> = {
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  fio: 'fio',
  'nbd-client': 'nbd-client',
  nbdkit: 'nbdkit',
  '/usr/bin/python3': 'python3-libnbd',
};

export interface Tnull {
  readonly uri: string;
  readonly ready: readonly string[];
  readonly folder: string;
  readonly pid: number;
  stderr(): string;
  /** RSS in bytes. */
  rss(): number;
  /** User and system time in clock ticks. */
  ticks(): number;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts tnull on a unix socket of its own; `{socket}` in an argument stands for its path. */
export async function startTnull(args: readonly string[], debug = true): Promise<Tnull> {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-system-'));
  const socket = join(folder, 's');
  const child = spawn(
    process.execPath,
    [program, '-U', socket, ...args.map((arg) => arg.replaceAll('{folder}', folder))],
    { env: { ...process.env, TNULL_DEBUG: debug ? '1' : '0' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  await untilReady(
    child,
    () => out,
    () => err,
  );
  return {
    uri: `nbd+unix:///nullb0?socket=${socket}`,
    ready: out.trim().split('\n'),
    folder,
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

async function untilReady(
  child: ChildProcess,
  out: () => string,
  err: () => string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (out().endsWith('bytes\n')) resolve();
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => reject(new Error(`tnull ended with ${code}: ${err()}`)));
  });
}

/** Runs a foreign program to its end. @returns what it wrote to stdout.
 *  @throws with its words when it fails; names the Debian package when it is missing. */
export function run(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === 'ENOENT') {
        const hint = packages[command] ?? command;
        return reject(new Error(`${command} is missing: apt-get install ${hint}`));
      }
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
    ...args,
  );
}
