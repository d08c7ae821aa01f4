/** The built program for the replay: its own sockets, its own number of CPUs, and a good end. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';
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

/** A start that was refused. */
export class Refused extends Error {}

/** @throws Refused with the line on stderr, when it exits with status 2. */
export async function startDaemon(words: readonly string[], cpus: number): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-oracle-'));
  const [socket, control] = [join(folder, 'nbd'), join(folder, 'control')];
  const child = spawn(process.execPath, [program, '-U', socket, '--control', control, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TNULL_DEBUG: '1', TNULL_CPUS: String(cpus) },
  });
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
  await until(() => existsSync(control) || status !== null);
  if (status === 2) throw new Refused(stderr.trim());
  if (status !== null) throw new Error(`tnull ended with ${status}: ${stderr}`);
  const api = new Api(control);
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

const WARN = 40;

function warningIn(line: string): string[] {
  if (!line.startsWith('{')) return [];
  const entry = JSON.parse(line) as { level?: number; msg?: string }; // pino's own form
  return entry.level === WARN ? [entry.msg ?? ''] : [];
}
