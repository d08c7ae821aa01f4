/** The built program for the replay: its own sockets, its own number of CPUs, and a good end. */

import { spawn } from 'node:child_process';
import { existsSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { newFolder } from '../run-folder.ts';
import { testThreadFlags } from '../threads-of-tests.ts';
import { Api } from './api.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;

export interface Daemon {
  /** Of NBD. */
  readonly socket: string;
  readonly api: Api;
  /** What it logged as a warning, in order. */
  warnings(): readonly string[];
  /** @throws when it had ended, met a bug or ends badly. */
  stop(): Promise<void>;
}

/** A start that ended before anything was there. */
export class Refused extends Error {
  readonly status: number | string;

  constructor(status: number | string, stderr: string) {
    super(`tnull ended with ${status}: ${stderr}`);
    this.status = status;
  }
}

/** @throws Refused when the program ends by itself. */
export async function startDaemon(words: readonly string[], cpus: number): Promise<Daemon> {
  const folder = newFolder();
  const [socket, control] = [join(folder, 'nbd'), join(folder, 'control')];
  const child = spawn(
    process.execPath,
    // FLUSH and FUA as the queue's features are, which is what was recorded.
    [
      program,
      ...testThreadFlags,
      '--offer-flush=cache',
      '-U',
      socket,
      '--control',
      control,
      ...words,
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, TNULL_DEBUG: '1', TNULL_CPUS: String(cpus) },
    },
  );
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  let status: number | string | null = null;
  const closed = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      status = code ?? signal ?? 'nothing';
      rmSync(folder, { recursive: true, force: true });
      resolve();
    });
  });
  // Not by its ready lines: with nr_devices=0 there are none. The control socket comes last.
  await Promise.race([closed, appears(folder, 'control')]);
  if (status !== null) throw new Refused(status, stderr);
  const api = new Api(control);
  // A socket is there a moment before it listens.
  while (!(await api.answers())) await new Promise((resolve) => setImmediate(resolve));
  return {
    socket,
    api,
    warnings: () => stderr.split('\n').flatMap(warningIn),
    async stop() {
      api.close();
      if (status !== null) throw new Error(`tnull had ended with ${status}: ${stderr}`);
      child.kill('SIGTERM');
      await closed;
      if (status !== 0 || stderr.includes('bug')) throw new Error(`tnull: ${status}: ${stderr}`);
    },
  };
}

/** Done when there is a file of this name. */
async function appears(folder: string, name: string): Promise<void> {
  const watching = new AbortController();
  const { signal } = watching;
  await new Promise<void>((resolve) => {
    watch(folder, { signal }, (_, file) => file === name && resolve());
    if (existsSync(join(folder, name))) resolve();
  });
  watching.abort();
}

const WARN = 40;

function warningIn(line: string): string[] {
  if (!line.startsWith('{')) return [];
  const entry = JSON.parse(line) as { level?: number; msg?: string }; // pino's own form
  return entry.level === WARN ? [entry.msg ?? ''] : [];
}
