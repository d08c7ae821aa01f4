/** The daemon's parts as a run has them: the data path, and the control API in front of it. */

import { resolve, type Word } from '../../src/config/resolve.ts';
import { localOnly } from '../../src/control/access.ts';
import { makeApi } from '../../src/control/api.ts';
import { makeHttpServer } from '../../src/control/http-server.ts';
import { type DataPath, makeDataPath } from '../../src/daemon/data-path.ts';
import type { Timing } from '../../src/daemon/timing.ts';
import type { OpenJournal } from '../../src/driver/journal/journal-file.ts';
import { withDefaults } from '../../src/server/client-limits.ts';
import { Found } from './failure.ts';
import { Http } from './http.ts';
import type { Memory } from './memory.ts';
import { type Plan, random } from './plan.ts';
import { simTls } from './tls-wire.ts';
import type { World } from './world.ts';

/** Nothing that happens here is our fault, so that an error is a finding. */
const log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (facts: object, message: string) => {
    throw new Found('bug', `logged: ${message} ${JSON.stringify(facts)}`);
  },
};

/** @param openJournal undefined: journals stay in memory. */
export function makePath(
  plan: Plan,
  timing: Timing,
  memory: Memory,
  openJournal: OpenJournal | undefined,
): DataPath {
  const words: Word[] = Object.entries({
    nr_devices: '0',
    submit_queues: '4',
    poll_queues: '2',
    hw_queue_depth: String(random(plan.seed, 'shared').pick([1, 2, 8])),
  }).map(([name, value]) => ({ name, value, as: name }));
  const machine = { cpus: 4, nodes: [0] };
  return makeDataPath(
    {
      ...{ log, machine, debug: plan.checked },
      parameters: resolve(words, machine),
      faultSeed: String(plan.seed),
    },
    {
      ...{ timing, allocator: memory, share: undefined, openJournal },
      limits: withDefaults({ inFlight: plan.inFlight, busyPoll: plan.busyPoll, ...plan.time }),
      mark: 'sim',
      openStream: () => {
        throw new Error('there are no sockets here');
      },
      ...(plan.tls > 0 ? { tls: simTls, tlsMode: 'on' } : { tls: undefined, tlsMode: 'off' }),
      notice: () => {},
    },
  );
}

/** The API over HTTP. Loaded by then, since loading waits for files. */
export async function makeHttp(
  { seed }: Plan,
  world: World,
  { tree, faults, serverFaults, server: nbd, traffic, events, clients }: DataPath,
  memory: Memory,
): Promise<Http> {
  const error = (reason: unknown): void => {
    throw new Found('bug', `logged: ${reason instanceof Error ? reason.stack : reason}`);
  };
  const api = await makeApi({
    ...{
      tree,
      error,
      events,
      clients,
      version: '0.0.0',
      memory: memory.memory,
      listening: () => [],
      exports: () => [],
    },
    clientFaults: () => faults.total(),
    serverFaults: () => serverFaults.total(),
    refusedConnections: () => nbd.refused.total(),
    traffic: () => traffic.total(),
    threads: 1,
    reset: () => Promise.reject(new Error('the simulated daemon has no start')),
    page: {
      open: () => Promise.reject(new Error('the simulated daemon has no ports')),
      session: () => '',
    },
  });
  const load = () => Promise.resolve(api);
  const server = makeHttpServer({ load, guard: localOnly, isLocal: true, error });
  return new Http(world, random(seed, 'http'), server);
}
