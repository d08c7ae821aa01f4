/** Memory that a server holds, empty, with 1 GiB stored, and after its discard; CPU time while idle. */

import { setTimeout as sleep } from 'node:timers/promises';
import { fill } from '../fio.ts';
import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { type Server, withServers } from '../servers.ts';

const MIB = 1024 * 1024;
const STORED_MIB = 1024;
const SETTLE_MS = 5000;
/** Memory varies less than times do. */
const ROUNDS_MAX = 2;

async function run({ rounds, folder, progress }: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const rows = new Rows();
  const held = (name: string, server: Server): void =>
    rows.add({ name, unit: 'MiB', better: 'less' }, server.name, server.heldBytes() / MIB);
  for (let round = 0; round < Math.min(rounds, ROUNDS_MAX); round++) {
    progress(`round ${round + 1}`);
    const options = { folder, mib: STORED_MIB, filled: false };
    await withServers(kinds, options, async (servers) => {
      for (const server of servers) {
        held('resident, empty', server);
        await fill(server.uri, STORED_MIB);
        held('resident with 1 GiB stored', server);
        await fill(server.uri, STORED_MIB, 'trim');
      }
      await sleep(SETTLE_MS);
      for (const server of servers)
        held(`resident ${SETTLE_MS / 1000} s after discarding all`, server);
      const before = servers.map((server) => server.cpuMs());
      await sleep(SETTLE_MS);
      for (const [i, server] of servers.entries()) {
        const name = `CPU in ${SETTLE_MS / 1000} s without a request`;
        const spent = server.cpuMs() - (before[i] ?? Number.NaN);
        rows.add({ name, unit: 'ms', better: 'less' }, server.name, spent);
      }
    });
  }
  return rows.all();
}

export const memory: Group = {
  name: 'memory',
  about: 'resident memory, for those that serve a file with what it takes of the tmpfs',
  ...IN_MEMORY,
  run,
};
