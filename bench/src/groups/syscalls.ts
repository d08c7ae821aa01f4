/** System calls of the server for each 4 KiB request at depth 32, counted by the kernel's tracepoint
 *  through perf: strace would slow the server down, and so change how many requests a call brings. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallCases } from '../cases.ts';
import { fioArguments, parseFio } from '../fio.ts';
import { type Context, type Group, IN_MEMORY } from '../group.ts';
import type { Kind } from '../kinds.ts';
import { ProgramError, run as runProgram } from '../processes.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, withServers } from '../servers.ts';

const EVENT = 'raw_syscalls:sys_enter';

/** @param text of `perf stat -x,`. @throws ProgramError when perf has counted nothing. */
export function parsePerf(text: string): number {
  const line = text.split('\n').find((one) => one.includes(EVENT));
  const [count = ''] = line?.split(',') ?? [];
  if (!/^\d+$/.test(count))
    throw new ProgramError(`perf stat counts no system calls here (needs root): ${text.trim()}`);
  return Number(count);
}

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, mib, seconds } = context;
  const output = join(folder, 'perf');
  return await withServers(kinds, { folder, mib, filled: true }, async (servers) => {
    const rows = new Rows();
    for (const one of smallCases) {
      await alternate(servers, rounds, async ({ pid, uri, name }) => {
        // While fio runs, of all threads, and of those that the server makes meanwhile.
        const perf = ['stat', '-x,', '-o', output, '-e', EVENT, '-p', String(pid), '--', 'fio'];
        const fio = fioArguments(uri, one, mib, seconds / 2);
        const { read, write } = parseFio(await runProgram('perf', [...perf, ...fio]));
        const calls = parsePerf(readFileSync(output, 'utf8'));
        const head = { name: one.name, unit: 'per request', better: 'less' } as const;
        rows.add(head, name, calls / (read.requests + write.requests));
      });
    }
    return rows.all();
  });
}

export const syscalls: Group = {
  name: 'syscalls',
  about: 'system calls of the server for each request',
  ...IN_MEMORY,
  run,
};
