/** nbdcopy of 1 GiB, to the server from a file on a tmpfs, and from it into nothing. */

import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { run as runProgram } from '../processes.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, randomFile, withServers } from '../servers.ts';

const MIB = 1024;

async function run({ rounds, folder }: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const source = randomFile(MIB);
  try {
    return await withServers(kinds, { folder, mib: MIB, filled: true }, async (servers) => {
      const rows = new Rows();
      await alternate(servers, rounds, async ({ uri, name }) => {
        const speed = async (from: string, to: string): Promise<number> => {
          const begin = performance.now();
          await runProgram('nbdcopy', [from, to]);
          return MIB / ((performance.now() - begin) / 1000);
        };
        const unit = { unit: 'MiB/s', better: 'more' } as const;
        rows.add({ name: 'nbdcopy to it', ...unit }, name, await speed(source.path, uri));
        rows.add({ name: 'nbdcopy from it', ...unit }, name, await speed(uri, 'null:'));
      });
      return rows.all();
    });
  } finally {
    source.remove();
  }
}

export const copy: Group = {
  name: 'copy',
  about: 'nbdcopy of 1 GiB',
  ...IN_MEMORY,
  run,
};
