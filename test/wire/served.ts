/** The daemon in this process, on a unix socket of its own and a free port, with its log at hand. */

import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Daemon, type DaemonOptions, startDaemon } from '../../src/daemon/daemon.ts';
import type { ClientLimits } from '../../src/server/client-limits.ts';
import { MACHINE, resolved } from '../config/words.ts';
import { folder } from '../folder.ts';
import { testThreads } from '../threads-of-tests.ts';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly reason?: string;
  readonly fault?: string;
}

export const WARN = 40;

export interface Served {
  readonly path: string;
  /** Of TCP, on 127.0.0.1. */
  readonly port: number;
  readonly daemon: Daemon;
  readonly log: readonly LogLine[];
}

/** Serves devices with `words` (`name=value`) until the test is over. */
export function serve(...words: string[]): Promise<Served> {
  return serveWithin({}, ...words);
}

/** The same with limits of its own. */
export function serveWithin(limits: Partial<ClientLimits>, ...words: string[]): Promise<Served> {
  return serveWith({ limits }, ...words);
}

/** The same with options of the daemon's own. */
export async function serveWith(
  options: Partial<DaemonOptions>,
  ...words: string[]
): Promise<Served> {
  const path = join(folder(), 's');
  const log: LogLine[] = [];
  const write = (line: string): void => {
    log.push(JSON.parse(line));
  };
  const daemon = await startDaemon({
    parameters: resolved(...words),
    machine: MACHINE,
    faultSeed: 'test',
    listen: [
      // In a folder of its own: a lock would be a process for each.
      { kind: 'unix', path, isPrivate: true },
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    log: pino({ level: 'debug' }, { write }),
    debug: true,
    threads: testThreads,
    ...options,
  });
  onTestFinished(() => daemon.stopNow());
  const tcp = daemon.listening.find((address) => address.kind === 'tcp');
  return { path, port: tcp?.port ?? 0, daemon, log };
}
