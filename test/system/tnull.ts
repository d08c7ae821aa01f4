/** Starts the built program for a test, and checks that it lived, met no bug and ended well. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { newFolder } from '../run-folder.ts';
import { testThreadFlags } from '../threads-of-tests.ts';
import { programsIn } from './programs.ts';

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
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

export interface Expected {
  /** Without checks of moved-from handles and counts. */
  readonly debug?: boolean;
  /** The errors that it must log: each must appear, and no other. */
  readonly errors?: readonly RegExp[];
}

/** What a log says at level error or worse. */
export function errorsIn(log: string): string[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  return lines.filter((line) => JSON.parse(line).level >= ERROR);
}

const ERROR = 50;

/** @throws what of `errors` is missing, and what is there and not among them. */
export function judgeErrors(log: string, errors: readonly RegExp[]): void {
  const found = errorsIn(log);
  const isNamed = (line: string): boolean => errors.some((one) => one.test(line));
  expect(
    found.filter((line) => !isNamed(line)),
    'errors in the log',
  ).toEqual([]);
  const missing = errors.filter((one) => !found.some((line) => one.test(line)));
  expect(missing, 'errors that are not in the log').toEqual([]);
}

/** Starts tnull on sockets of its own; `{folder}` in an argument stands for the folder they are in. */
export async function startTnull(
  args: readonly string[],
  { debug = true, errors = [] }: Expected = {},
): Promise<Tnull> {
  const folder = newFolder();
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
      judgeErrors(err, errors);
      expect(existsSync(socket), 'the socket is removed').toBe(false);
      rmSync(folder, { recursive: true });
      return status;
    },
    async kill() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true });
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

/** This machine's own programs. */
export const { run, nbdsh, fio } = programsIn();
