/** The daemon in this process, on a unix socket of its own, with its log at hand. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach } from 'vitest';
import { resolve, type Word } from '../../src/config/resolve.ts';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly reason?: string;
}

export const WARN = 40;

export interface Served {
  readonly path: string;
  readonly daemon: Daemon;
  readonly log: readonly LogLine[];
}

const running: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

/** Serves one device with `words` (`name=value`) until the test is over. */
export async function serve(...words: string[]): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-wire-'));
  const path = join(folder, 's');
  const log: LogLine[] = [];
  const write = (line: string): void => {
    log.push(JSON.parse(line));
  };
  const daemon = await startDaemon({
    device: resolve(words.map(word), { cpus: 2 }).options,
    listen: [{ kind: 'unix', path }],
    log: pino({ level: 'debug' }, { write }),
    debug: true,
  });
  running.push(async () => {
    daemon.stopNow();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, daemon, log };
}

function word(text: string): Word {
  const [name = '', value = ''] = text.split('=');
  return { name, value, as: text };
}

/** Lets the event loop turn until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
