/** From the start of the program until it takes connections; for tnull also until its ready line. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { Background } from '../processes.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, Server } from '../servers.ts';

/** A start is fast, so there are more of them. */
const STARTS_PER_ROUND = 3;

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, mib } = context;
  const rows = new Rows();
  await alternate(kinds, rounds * STARTS_PER_ROUND, async (kind) => {
    const server = await Server.start(kind, { folder, mib });
    await server.stop();
    const head = { name: 'start to first connection', unit: 'ms', better: 'less' } as const;
    rows.add(head, server.name, server.startMs);
    if (!saysReady(kind)) return;
    const ready = { name: 'start to ready line', unit: 'ms', better: 'less' } as const;
    rows.add(ready, server.name, await toReadyLine(kind, context));
  });
  return rows.all();
}

/** The peers start in silence. */
function saysReady({ name }: Kind): boolean {
  return ['tnull', 'A', 'B'].includes(name);
}

async function toReadyLine(kind: Kind, { folder, mib }: Context): Promise<number> {
  const socket = `${folder}/ready-${Math.random().toString(36).slice(2)}`;
  const [program, ...args] = kind.command({ socket, port: 0, mib, file: '' });
  const begin = performance.now();
  const process = new Background(program, args);
  try {
    while (!process.stdout.includes('\n')) {
      process.check();
      await sleep(1);
    }
    return performance.now() - begin;
  } finally {
    await process.stop();
  }
}

export const start: Group = {
  name: 'start',
  about: 'how long a server takes to start',
  ...IN_MEMORY,
  run,
};
