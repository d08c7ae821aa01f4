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
import { type Context, type Group, IN_MEMORY, Incomplete, SHORT } from '../group.ts';
import { type Kind, limit as limitKind, nbdkit, nullKinds, tnull } from '../kinds.ts';
import { ProgramError } from '../processes.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, type Server, withServers } from '../servers.ts';

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
    const failures: string[] = [];
    for (const one of cases.filter(({ name }) => name.includes(only))) {
      progress(one.name);
      const head = { name: one.name, unit: 'MiB/s', better: 'more' } as const;
      const measure = async ({ uri, name }: Server): Promise<void> =>
        rows.add(head, name, await bandwidth(uri, one, mib, seconds));
      failures.push(...(await alternatePatiently(servers, rounds, one.name, measure)));
    }
    if (failures.length > 0) throw new Incomplete(failures.join('\n'), rows.all());
    return rows.all();
  });
}

/** As `alternate`, but a server that fails is skipped from then on, and costs the others nothing.
 *  @returns what failed. */
export async function alternatePatiently<S extends { readonly name: string }>(
  servers: readonly S[],
  rounds: number,
  what: string,
  measure: (server: S) => Promise<void>,
): Promise<string[]> {
  const failures = new Map<S, string>();
  await alternate(servers, rounds, async (server) => {
    if (failures.has(server)) return;
    try {
      await measure(server);
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      failures.set(server, `${what}, ${server.name}: ${error.message.split('\n')[0]}`);
    }
  });
  return [...failures.values()];
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
    ['2 threads', 'nbdkit'],
    ['2 threads', 'limit'],
  ],
  kinds: ({ limit }) => [
    tnull(['--memory-backed']),
    ...[threaded(2), threaded(4), nbdkit('memory')],
    limitKind(limit),
  ],
  run: (context, kinds) => measureSpeed(short(context), kinds, { cases: threadCases }),
};
