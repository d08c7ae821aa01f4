/** Processor time of the server, with all threads and processes, for a million 4 KiB requests; and how busy
 *  fio was: if it uses a whole core, no server can be faster. */

import { setTimeout as sleep } from 'node:timers/promises';
import { smallCases } from '../cases.ts';
import { fioJob } from '../fio.ts';
import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, withServers } from '../servers.ts';

/** Work that the last request caused, polling included, belongs to it. */
const SETTLE_MS = 50;

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, mib, seconds, only } = context;
  return await withServers(kinds, { folder, mib, filled: true }, async (servers) => {
    const rows = new Rows();
    for (const one of smallCases.filter(({ name }) => name.includes(only))) {
      await alternate(servers, rounds, async (server) => {
        const before = server.cpuMs();
        const { read, write, cpuPercent } = await fioJob(server.uri, one, mib, seconds);
        await sleep(SETTLE_MS);
        const spent = server.cpuMs() - before;
        const head = { name: one.name, unit: 's per million', better: 'less' } as const;
        rows.add(head, server.name, (spent * 1000) / (read.requests + write.requests));
        rows.add(
          { name: `fio: ${one.name}`, unit: '% of a core', better: 'less' },
          server.name,
          cpuPercent,
        );
      });
    }
    return rows.all();
  });
}

export const cpu: Group = {
  name: 'cpu',
  about: 'processor time of the server for a million requests',
  ...IN_MEMORY,
  run,
};
