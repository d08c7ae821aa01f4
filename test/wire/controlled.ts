/** The daemon with its control API, both on unix sockets of their own, until the test is over. */

import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type DaemonOptions, type FlushOffer, startDaemon } from '../../src/daemon/daemon.ts';
import type { ClientLimits } from '../../src/server/client-limits.ts';
import { MACHINE, resolved } from '../config/words.ts';
import { type Answered, type Asked, ask } from '../control/http.ts';
import { folder } from '../folder.ts';
import { testThreads } from '../threads-of-tests.ts';
import type { LogLine } from './served.ts';

export interface Controlled {
  /** Of the NBD server. */
  readonly path: string;
  /** The control socket. */
  readonly control: string;
  /** Of TCP, on 127.0.0.1. */
  readonly port: number;
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  /** As a signal has it. */
  stop(): Promise<void>;
  /** Sets attributes of a device, which must work. */
  set(name: string, attributes: object): Promise<void>;
  readonly log: readonly LogLine[];
  /** A member of the device's statistics. */
  stats(name: string): Promise<Stats>;
}

export interface Stats {
  readonly operations: Readonly<Record<string, { readonly requests: number }>>;
  readonly tags: { readonly depth: number; readonly queues: number; readonly inUse: number };
  readonly memory: { readonly heldBytes: number };
}

interface Settings extends Partial<ClientLimits> {
  readonly threads?: number;
  readonly offerFlush?: FlushOffer;
  readonly tls?: DaemonOptions['tls'];
}

/** Serves devices with `words` (`name=value`), in debug mode; limits on clients may come first. */
export async function serveControlled(
  ...[first = '', ...rest]: [(string | Settings)?, ...string[]]
): Promise<Controlled> {
  const settings = typeof first === 'string' ? {} : first;
  const { threads = testThreads, offerFlush = 'always', tls, ...limits } = settings;
  const words = typeof first === 'string' ? [first, ...rest] : rest;
  const home = folder();
  const [path, control] = [join(home, 'nbd'), join(home, 'control')];
  const log: LogLine[] = [];
  // In a folder of their own: a lock would be a process for each.
  const daemon = await startDaemon({
    parameters: resolved(...words),
    machine: MACHINE,
    faultSeed: 'test',
    listen: [
      { kind: 'unix', path, isPrivate: true },
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    log: pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line)) }),
    debug: true,
    ...{ threads, offerFlush, limits },
    ...(tls === undefined ? {} : { tls }),
    control: { socket: { path: control, isPrivate: true }, http: undefined, tokenFile: undefined },
  });
  onTestFinished(() => daemon.stopNow());
  const asking = (method: string, url: string, asked?: Asked): Promise<Answered> =>
    ask({ socketPath: control }, method, url, asked);
  const tcp = daemon.listening.find((address) => address.kind === 'tcp');
  return {
    path,
    control,
    port: tcp?.port ?? 0,
    log,
    ask: asking,
    stop: () => daemon.stop(),
    async set(name, attributes) {
      const answer = await asking('PATCH', `/v1/devices/${name}`, { json: attributes });
      if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
    },
    async stats(name) {
      return JSON.parse((await asking('GET', `/v1/devices/${name}/stats`)).text);
    },
  };
}
