/** One busy client, alone and beside 200 connections that do nothing. */

import { smallCases } from '../cases.ts';
import { Client } from '../client.ts';
import { bandwidth } from '../fio.ts';
import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, type Server, withServers } from '../servers.ts';
import { spin } from '../spin.ts';

const IDLE = 200;

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, mib } = context;
  return await withServers(kinds, { folder, mib, filled: true }, async (servers) => {
    const rows = new Rows();
    await alternate(servers, rounds, async (server) => {
      await measure(context, server, 'alone', rows);
      const idle: Client[] = [];
      try {
        while (idle.length < IDLE) idle.push(await Client.connect(server));
        await measure(context, server, `beside ${IDLE}`, rows);
      } finally {
        for (const client of idle) client.close();
      }
    });
    return rows.all();
  });
}

async function measure(context: Context, server: Server, when: string, rows: Rows): Promise<void> {
  const seconds = context.seconds / 3;
  const { p50, p99 } = await spin(context.spin, server, { seconds });
  rows.add({ name: `p50, ${when}`, unit: 'us', better: 'less' }, server.name, p50);
  rows.add({ name: `p99, ${when}`, unit: 'us', better: 'less' }, server.name, p99);
  for (const one of smallCases) {
    const head = { name: `${one.name}, ${when}`, unit: 'MiB/s', better: 'more' } as const;
    rows.add(head, server.name, await bandwidth(server.uri, one, context.mib, seconds));
  }
}

export const idle: Group = {
  name: 'idle',
  about: `a busy client beside ${IDLE} idle connections`,
  ...IN_MEMORY,
  run,
};
