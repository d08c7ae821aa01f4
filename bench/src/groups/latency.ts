/** The latency of one read at a time: by a client that never sleeps, and by fio's, which does. */

import { depth1 } from '../cases.ts';
import { fioJob } from '../fio.ts';
import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { type Row, type RowHead, Rows } from '../rows.ts';
import { alternate, withServers } from '../servers.ts';
import { spin } from '../spin.ts';

const row = (name: string): RowHead => ({ name, unit: 'us', better: 'less' });

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, mib } = context;
  const seconds = context.seconds / 2;
  return await withServers(kinds, { folder, mib, filled: true }, async (servers) => {
    const rows = new Rows();
    await alternate(servers, rounds, async (server) => {
      const { p50, p99, p999 } = await spin(context.spin, server, { seconds });
      rows.add(row('p50'), server.name, p50);
      rows.add(row('p99'), server.name, p99);
      rows.add(row('p99.9'), server.name, p999);
    });
    context.progress('by fio');
    await alternate(servers, rounds, async ({ uri, name }) => {
      const { read } = await fioJob(uri, depth1, mib, seconds);
      for (const p of [50, 99, 99.9])
        rows.add(row(`p${p} by fio`), name, read.percentiles.get(p) ?? Number.NaN);
    });
    return rows.all();
  });
}

export const latency: Group = {
  name: 'latency',
  about: '4 KiB reads at depth 1',
  ...IN_MEMORY,
  run,
};
