/** What a busy client feels while another one discards 1 GiB or zeroes 64 GiB. It measures waits between the
 *  first and the last request of the other client, and right after: some servers give memory back only
 *  then. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.ts';
import { fill } from '../fio.ts';
import type { Context, Group } from '../group.ts';
import { type Kind, memoryKinds } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, type Server, withServers } from '../servers.ts';
import { Spinner, spin } from '../spin.ts';

const GIB_BYTES = 2 ** 30;
const GIB = 1024;
/** Behind the 64 MiB that the busy client reads. */
const actions = [
  { name: 'TRIM of 1 GiB', command: 'trim', first: 1, length: 1 },
  { name: 'WRITE_ZEROES of 64 GiB', command: 'zero', first: 2, length: 64 },
] as const;
const SIZE = 66 * GIB;
const READ = 64;
/** After data were written or discarded: the server's remaining work must not disturb what comes next. */
const SETTLE_MS = 500;

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder } = context;
  return await withServers(kinds, { folder, mib: SIZE, filled: false }, async (servers) => {
    for (const { uri } of servers) await fill(uri, READ);
    const rows = new Rows();
    await alternate(servers, rounds, (server) => measure(context, server, rows));
    return rows.all();
  });
}

async function measure(context: Context, server: Server, rows: Rows): Promise<void> {
  const add = (name: string, us: number): void =>
    rows.add({ name, unit: 'ms', better: 'less' }, server.name, us / 1000);
  const seconds = context.seconds / 3;
  await sleep(SETTLE_MS);
  const alone = await spin(context.spin, server, { seconds });
  add('p99 alone', alone.p99);
  const other = await Client.connect(server);
  try {
    for (const { name, command, first, length } of actions) {
      // There is 1 GiB of data to be discarded or overwritten; the rest was never written.
      await fill(server.uri, GIB, 'write', first * GIB);
      const busy = await Spinner.start(context.spin, server);
      await sleep(SETTLE_MS);
      busy.forget();
      const begin = performance.now();
      await other.clear(command, first * GIB_BYTES, length * GIB_BYTES);
      const took = performance.now() - begin;
      const { p99, max } = await busy.stop();
      const after = await spin(context.spin, server, { seconds });
      add(`p99 growth, ${name}`, p99 - alone.p99);
      add(`p99 growth, after ${name}`, after.p99 - alone.p99);
      add(`longest wait, ${name}`, max);
      add(`duration, ${name}`, took * 1000);
    }
  } finally {
    other.close();
  }
}

export const beside: Group = {
  name: 'beside',
  about: 'a client that reads 4 KiB at depth 1 while another discards or zeroes',
  pairs: [
    ['tnull', 'nbdkit'],
    ['tnull', 'qemu-nbd'],
  ],
  // limit.c only reports success; nbd-server may write 64 GiB of zeros into the tmpfs.
  kinds: ({ limit }) =>
    memoryKinds(limit).filter(({ name }) => !['limit', 'nbd-server'].includes(name)),
  comparable: true,
  run,
};
