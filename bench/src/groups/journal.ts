/** What a journal in memory costs random writes: tnull with one beside tnull without, in turns.
 *  Target: docs/spec/crash.md section 5. */

import { setTimeout as sleep } from 'node:timers/promises';
import { smallCases } from '../cases.ts';
import { fioJob } from '../fio.ts';
import type { Context, Group } from '../group.ts';
import { type Kind, tnull } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, withServers } from '../servers.ts';
import { short } from './speed.ts';

const MIB = 1024 * 1024;
/** Work that the last request caused, polling included, belongs to it. */
const SETTLE_MS = 50;
/** In MiB: more than is written in one round. */
const JOURNAL_MAX = 16_384;

/** New servers in each round, so that no journal becomes full. */
async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, mib, seconds, only, progress } = short(context);
  const rows = new Rows();
  const cases = smallCases.filter(({ rw, name }) => rw === 'randwrite' && name.includes(only));
  for (const one of cases) {
    progress(one.name);
    for (let round = 0; round < rounds; round++) {
      // None is always the first.
      const order = round % 2 === 0 ? kinds : kinds.toReversed();
      await withServers(order, { folder, mib, filled: true }, (servers) =>
        alternate(servers, 1, async (server) => {
          const before = server.cpuMs();
          const { write } = await fioJob(server.uri, one, mib, seconds);
          await sleep(SETTLE_MS);
          const us = ((server.cpuMs() - before) * 1000) / write.requests;
          const bandwidth = { name: one.name, unit: 'MiB/s', better: 'more' } as const;
          rows.add(bandwidth, server.name, write.bandwidth / MIB);
          const time = { name: `${one.name}: processor`, unit: 'us', better: 'less' } as const;
          rows.add(time, server.name, us);
        }),
      );
    }
  }
  return rows.all();
}

export const journal: Group = {
  name: 'journal',
  about: 'bandwidth and processor time of random writes with a journal in memory',
  pairs: [['journal', 'plain']],
  kinds: () => [
    tnull(['--memory-backed'], 'plain'),
    tnull(['--memory-backed', 'journal=1', `journal_max=${JOURNAL_MAX}`], 'journal'),
  ],
  run,
};
