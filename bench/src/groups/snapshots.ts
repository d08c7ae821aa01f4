/** What snapshots, clones and rollbacks of 1 GiB of data cost: the call, the longest turn of the event loop, how long
 *  a client waits that reads meanwhile; and the writes that come after. Targets: docs/spec/crash.md section 1. */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { call, waitForControl } from '../control.ts';
import { fill, writesPerSecond } from '../fio.ts';
import type { Context, Group } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { type Server, withServers } from '../servers.ts';
import { Spinner } from '../spin.ts';
import { longestMs } from './turns.ts';

const TNULL = fileURLToPath(new URL('../../../bin/tnull.js', import.meta.url));
const RECORDER = new URL('../turn-recorder.js', import.meta.url);
const MIB = 1024;
const NULLB0 = '/v1/devices/nullb0';
const CLONE = '/v1/devices/copy';
/** Work of the call before must not disturb what comes next. */
const SETTLE_MS = 1000;
/** For the reads that the call held up, and for what it left to be done. */
const AFTER_MS = 100;
const FIRST = 8192;
const BLOCKS = (MIB * 1024) / 4;

const actions = [
  { name: 'snapshot', method: 'PUT', path: `${NULLB0}/snapshots/kept`, body: {} },
  { name: 'clone', method: 'PUT', path: CLONE, body: { clone: 'nullb0@kept', power: 1 } },
  { name: 'rollback', method: 'POST', path: `${NULLB0}/snapshots/kept/rollback`, body: {} },
  { name: 'remove the clone', method: 'DELETE', path: CLONE, body: undefined },
  {
    name: 'destroy the snapshot',
    method: 'DELETE',
    path: `${NULLB0}/snapshots/kept`,
    body: undefined,
  },
] as const;

function kinds(): Kind[] {
  return [
    {
      name: 'tnull',
      command: ({ socket }) => [
        process.execPath,
        ...['--import', `${RECORDER.href}?socket=${socket}.turns`, TNULL],
        ...['-U', socket, '--control', `${socket}.ctl`, '--memory-backed', `size=${MIB}`],
      ],
    },
  ];
}

async function run(context: Context, [kind]: readonly Kind[]): Promise<Row[]> {
  const rows = new Rows();
  const { rounds, folder } = context;
  const options = { folder, mib: MIB, filled: true };
  await withServers(kind === undefined ? [] : [kind], options, async (servers) => {
    for (const server of servers) {
      await waitForControl(`${server.place.socket}.ctl`);
      // Code that is compiled at its first use is not measured.
      await act(context, server, new Rows());
      for (let round = 0; round < rounds; round++) {
        await act(context, server, rows);
        await write(server, rows);
      }
    }
  });
  return rows.all();
}

async function act({ spin }: Context, server: Server, rows: Rows): Promise<void> {
  const { socket } = server.place;
  for (const { name, method, path, body } of actions) {
    await sleep(SETTLE_MS);
    const busy = await Spinner.start(spin, server);
    await longestMs(`${socket}.turns`);
    busy.forget();
    const begin = performance.now();
    await call(`${socket}.ctl`, method, path, body);
    const ms = performance.now() - begin;
    await sleep(AFTER_MS);
    const { max } = await busy.stop();
    const head = { name, unit: 'ms', better: 'less' } as const;
    rows.add(head, 'call', ms);
    rows.add(head, 'longest turn', await longestMs(`${socket}.turns`));
    rows.add(head, 'longest wait', max / 1000);
  }
}

async function write({ uri, place }: Server, rows: Rows): Promise<void> {
  const head = { name: 'randwrite 4k depth 32', unit: 'writes/s', better: 'more' } as const;
  const measure = async (column: string, count: number, eachOnce = false): Promise<void> =>
    rows.add(head, column, await writesPerSecond(uri, MIB, count, eachOnce));
  const snapshot = `${NULLB0}/snapshots/kept`;
  await sleep(SETTLE_MS);
  await measure('plain', BLOCKS);
  await call(`${place.socket}.ctl`, 'PUT', snapshot, {});
  await measure(`the first ${FIRST}`, FIRST);
  await measure('each block once', BLOCKS, true);
  await measure('afterwards', BLOCKS);
  await call(`${place.socket}.ctl`, 'DELETE', snapshot);
  await fill(uri, MIB);
}

export const snapshots: Group = {
  name: 'snapshots',
  about: 'snapshots, clones and rollbacks of 1 GiB of data, and random writes after them',
  pairs: [
    [`the first ${FIRST}`, 'plain'],
    ['each block once', 'plain'],
    ['afterwards', 'plain'],
  ],
  kinds,
  run,
};
