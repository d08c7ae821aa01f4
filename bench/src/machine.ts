/** The machine and the versions: without them a ratio means nothing. */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { checkout } from './kinds.ts';
import { run } from './processes.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly fio: string;
  /** With their versions. */
  readonly peers: readonly string[];
  readonly commit: string;
  readonly date: string;
  /** The share of the processors' time that the host took during the run. */
  readonly steal?: number;
}

export async function describeMachine(): Promise<Machine> {
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  const firstLine = async (program: string, ...args: string[]): Promise<string> =>
    (await run(program, args).catch(() => `no ${program}`)).split('\n')[0] ?? '';
  return {
    cpu: /model name\s*:\s*(.+)/.exec(cpuinfo)?.[1] ?? os.arch(),
    cores: os.availableParallelism(),
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    // Without the build's own suffix.
    kernel: `${os.type()} ${os.release().replace(/-.*/, '')}`,
    node: process.version,
    fio: await firstLine('fio', '--version'),
    peers: [
      await firstLine('nbdkit', '--version'),
      (await firstLine('qemu-nbd', '--version')).replace(/ \(.*/, ''),
      (await firstLine('nbd-server', '-V')).replace('This is nbd-server version', 'nbd-server'),
    ],
    commit: await firstLine('git', '-C', checkout, 'rev-parse', '--short', 'HEAD'),
    date: new Date().toISOString().slice(0, 10),
  };
}
