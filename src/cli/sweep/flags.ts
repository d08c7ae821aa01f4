/** The flags of `tnull sweep` that are its own, for parsing, help and completions. */

import type { Flag } from '../flags.ts';

export const sweepFlags = {
  rule: { flags: '--rule <words>', help: "what fails: 'op=write error=EIO'; the sweep adds nth" },
  run: {
    flags: '--run <command>',
    help: 'the shell command, with $uri, $unixsocket, $port, $control and $TNULL_SWEEP_N',
  },
  from: { flags: '--from <n>', help: 'the first N (default 1)' },
  to: { flags: '--to <n>', help: 'the last N (default: until the rule does not strike)' },
  jobs: {
    flags: '--jobs <count>',
    help: 'so many commands at a time, each with a device (default 1)',
  },
  timeout: {
    flags: '--timeout <seconds>',
    help: 'what takes longer has failed (default: no limit)',
  },
  keepGoing: { flags: '--keep-going', help: 'do not stop at the first failure' },
  outcome: {
    flags: '--outcome <status=name>',
    help: 'a name for a status from 10 to 19; repeatable',
  },
  shard: { flags: '--shard <k/m>', help: 'only every M-th N, from the K-th on' },
  seed: { flags: '--seed <seed>', help: 'of the dice, the same for every N (default 1)' },
  json: { flags: '--json', help: 'a report for programs, and for --merge' },
  merge: { flags: '--merge <file>', help: 'files with reports of shards: one report of them all' },
  image: {
    flags: '--image <file>',
    help: 'each device begins with the content of this file, which is only read',
  },
} as const satisfies Record<string, Pick<Flag, 'flags' | 'help'>>;

export type SweepFlag = keyof typeof sweepFlags;

/** Flags without a value. */
export const switches: ReadonlySet<string> = new Set<SweepFlag>(['keepGoing', 'json']);

export const SWEEP_SUMMARY =
  'run a command again and again, and let the 1st, 2nd, 3rd ... request fail';

export function sweepHelp(): string {
  const lines = Object.values(sweepFlags).map(
    ({ flags, help }) => `  ${flags.padEnd(26)}  ${help}\n`,
  );
  return `Usage: tnull sweep [parameters] --rule WORDS --run COMMAND [flags]
       tnull sweep --merge FILE ... [--json]

For N = 1, 2, 3 ... COMMAND runs with a fresh device on which the rule strikes its N-th match, until
it strikes no more: then every chance was taken. Status of COMMAND: 0 fine, 77 skipped, 10 to 19 an
outcome that is counted apart, else failed. Status of the sweep: 1 if any failed.

Flags:
${lines.join('')}
Parameters and the other flags are those of a daemon (tnull --help).
`;
}
