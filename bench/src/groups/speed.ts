/** Bandwidth by fio's nbd engine: every case on every server, in turns. */

import {
  type Case,
  connectionCases,
  nullCases,
  speedCases,
  tcpCases,
  threadCases,
} from '../cases.ts';
import { bandwidth } from '../fio.ts';
import { type Context, type Group, IN_MEMORY, SHORT } from '../group.ts';
import { type Kind, nullKinds, tnull } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, withServers } from '../servers.ts';

export interface SpeedOptions {
  readonly cases: readonly Case[];
  readonly tcp?: boolean;
  /** Devices without memory need not be written first. */
  readonly filled?: boolean;
}

export function measureSpeed(
  context: Context,
  kinds: readonly Kind[],
  { cases, tcp = false, filled = true }: SpeedOptions,
): Promise<Row[]> {
  const { rounds, seconds, mib, folder, only, progress } = context;
  return withServers(kinds, { folder, mib, tcp, filled }, async (servers) => {
    const rows = new Rows();
    for (const one of cases.filter(({ name }) => name.includes(only))) {
      progress(one.name);
      await alternate(servers, rounds, async ({ uri, name }) => {
        const head = { name: one.name, unit: 'MiB/s', better: 'more' } as const;
        rows.add(head, name, await bandwidth(uri, one, mib, seconds));
      });
    }
    return rows.all();
  });
}

/** For groups that are not the table of the targets. */
export const short = (context: Context): Context => ({
  ...context,
  seconds: context.seconds * SHORT,
});

export const speed: Group = {
  name: 'speed',
  about: 'bandwidth over a unix socket',
  ...IN_MEMORY,
  run: (context, kinds) => measureSpeed(context, kinds, { cases: speedCases }),
};

export const tcp: Group = {
  name: 'tcp',
  about: 'bandwidth over TCP loopback',
  ...IN_MEMORY,
  run: (context, kinds) => measureSpeed(short(context), kinds, { cases: tcpCases, tcp: true }),
};

export const nothing: Group = {
  name: 'null',
  about: 'bandwidth of devices that keep nothing (not memory-backed)',
  pairs: [
    ['tnull', 'nbdkit'],
    ['tnull', 'qemu-nbd'],
  ],
  kinds: nullKinds,
  comparable: true,
  run: (context, kinds) => measureSpeed(short(context), kinds, { cases: nullCases, filled: false }),
};

export const connections: Group = {
  name: 'connections',
  about: 'bandwidth of sixteen connections together',
  ...IN_MEMORY,
  run: (context, kinds) => measureSpeed(short(context), kinds, { cases: connectionCases }),
};

const threaded = (count: number): Kind =>
  tnull(['--memory-backed', '--threads', String(count)], `${count} threads`);

export const threads: Group = {
  name: 'threads',
  about: 'bandwidth of tnull with --threads',
  pairs: [
    ['2 threads', 'tnull'],
    ['4 threads', 'tnull'],
  ],
  kinds: () => [tnull(['--memory-backed']), threaded(2), threaded(4)],
  run: (context, kinds) => measureSpeed(short(context), kinds, { cases: threadCases }),
};
