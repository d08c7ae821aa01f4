/** A real kernel's block device: fio on /dev/nbd0 in user-mode Linux, by bench/kernel.sh. Both the servers
 *  and fio run in the guest, on its one processor: it shows that it works, not how fast it is. */

import { join } from 'node:path';
import { type Context, type Group, SHORT, TO_PEERS } from '../group.ts';
import { checkout } from '../kinds.ts';
import { ProgramError, run as runProgram } from '../processes.ts';
import { type Row, Rows } from '../rows.ts';

const ROUNDS_MAX = 3;
/** Of rows and servers in bench/kernel.sh, with some seconds for each to start. */
const MEASUREMENTS = 20;
const BOOT_SECONDS = 120;

/** @param text the output of bench/kernel.sh. @throws ProgramError when it is incomplete. */
export function parseKernel(text: string): Row[] {
  if (!/^finished\r?$/m.test(text)) throw new ProgramError(`the guest said: ${text.slice(-300)}`);
  const rows = new Rows();
  for (const [, name = '', server = '', kib] of text.matchAll(/^result (.+)\|(.+)\|(\d+)\r?$/gm))
    rows.add({ name, unit: 'MiB/s', better: 'more' }, server, Number(kib) / 1024);
  return rows.all();
}

async function run(context: Context): Promise<Row[]> {
  const { rounds, limit, progress } = context;
  const seconds = context.seconds * SHORT;
  const script = (name: string): string => join(checkout, 'scripts', name);
  const uml = join(checkout, '.cache', 'uml');
  await runProgram('bash', [script('install-packages.sh'), 'kernel']);
  await runProgram('bash', [script('uml-get.sh'), uml]);
  progress('the kernel boots');
  const times = Math.min(rounds, ROUNDS_MAX);
  const words = [limit, String(times), String(Math.round(seconds * 1000))];
  const timeout = Math.ceil(BOOT_SECONDS + MEASUREMENTS * times * (seconds + 3));
  const text = await runProgram(
    'bash',
    [script('uml-run.sh'), uml, join(checkout, 'bench', 'kernel.sh'), ...words],
    { env: { UML_TIMEOUT: String(timeout) } },
  );
  return parseKernel(text);
}

export const kernel: Group = {
  name: 'kernel',
  about: 'bandwidth of /dev/nbd0 in user-mode Linux',
  pairs: TO_PEERS,
  kinds: () => [],
  run,
};
