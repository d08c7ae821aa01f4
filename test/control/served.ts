/** The control API over real devices in a world that is moved by hand, on a unix socket of its own until the test is over. */

import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Control, type ControlOptions, startControl } from '../../src/daemon/control.ts';
import { folder } from '../folder.ts';
import { type Answered, type Asked, ask } from './http.ts';
import { type Begin, type ControlWorld, world } from './world.ts';

export interface Served extends ControlWorld {
  readonly control: Control;
  readonly path: string;
  readonly log: readonly string[];
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
}

export async function serve(
  options: Partial<ControlOptions> = {},
  begin: Begin = {},
): Promise<Served> {
  const it = world(begin);
  const log: string[] = [];
  const control = await startControl(
    {
      // In a folder of its own: a lock would be a process for each.
      socket: { path: join(folder(), 's'), isPrivate: true },
      http: undefined,
      tokenFile: undefined,
      ...options,
    },
    {
      tree: it.tree,
      memory: it.memory,
      log: pino({ level: 'debug' }, { write: (line) => log.push(line) }),
      version: '1.2.3',
      events: it.events,
      clients: it.clients,
      listening: () => ['nbd://127.0.0.1:10809/nullb0'],
      exports: () =>
        Array.from(it.devices)
          .filter(({ powered }) => powered)
          .map(({ name }) => ({
            device: name,
            uris: [`nbd://127.0.0.1:10809/${name}`],
            multiConn: true,
            clients: 0,
          })),
      clientFaults: () => new Map([['pipelined-option', 3]]),
      serverFaults: () => new Map([['socket', 1]]),
      refusedConnections: () => new Map([['max-connections', 2]]),
      traffic: () => ({ receivedBytes: 100, sentBytes: 200 }),
      threads: 1,
      reset: async () => void (await it.tree.create('again', new Map())),
    },
  );
  onTestFinished(() => control.closeNow());
  const path = control.path ?? '';
  return {
    ...it,
    control,
    path,
    log,
    ask: (method, url, asked) => ask({ socketPath: path }, method, url, asked),
  };
}
