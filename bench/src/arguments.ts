/** The words behind `npm run bench --`. */

import { parseArgs } from 'node:util';
import { ProgramError } from './processes.ts';

export const usage = `usage: npm run bench -- [--group NAME[,NAME]] [--case TEXT] [--rounds 5] [--seconds 1.25] [--quick]
                        [--results FOLDER]
       npm run bench -- --record
       npm run bench -- --compare A B [--group NAME[,NAME]] [--case TEXT] [--rounds 7]
       npm run bench -- --gate [--record]
  --group    only these groups of measurements; all without it
  --case     only cases of fio whose name contains TEXT
  --peers    only these servers beside tnull: nbdkit,limit,qemu-nbd,nbd-server
  --rounds   how often everything is measured on each server, in turns; the median counts
  --seconds  of one measurement
  --quick    one round of 0.3 s: to see that everything works
  --compare  two commits, or folders with a built tnull, in one run: ratios B / A
  --gate     what CI runs: tnull / limit.c in some cases, against bench/gate.json
  --results  where the tables' data and the plots go; default bench/results
  --record   writes a whole run into docs/benchmark.json, and makes what is made from it: the charts,
             docs/benchmark.md and the table of README.md; with --gate the ratios into bench/gate.json
`;

export interface Arguments {
  readonly mode: 'suite' | 'compare' | 'gate' | 'help';
  readonly groups: readonly string[];
  readonly only: string;
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly record: boolean;
  /** A folder; undefined: bench/results. */
  readonly results: string | undefined;
  /** Of compare. */
  readonly commits: readonly [string, string];
}

const ROUNDS = { suite: 5, compare: 7, gate: 5, help: 1 } as const;
const SECONDS = { suite: 1.25, compare: 1.25, gate: 0.3, help: 1 } as const;

/** @throws ProgramError, or TypeError for a word that it does not know. */
export function parseArguments(words: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      group: { type: 'string', default: '' },
      case: { type: 'string', default: '' },
      peers: { type: 'string', default: '' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      gate: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      results: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const mode = modeOf(values);
  const [a = '', b = ''] = positionals;
  const expected = mode === 'compare' ? 2 : 0;
  if (mode !== 'help' && positionals.length !== expected)
    throw new ProgramError(`--compare takes two commits or folders, the rest none; see --help`);
  const isWhole = !values.quick && (values.group || values.case || values.peers) === '';
  if (values.record && !(mode === 'gate' || (mode === 'suite' && isWhole)))
    throw new ProgramError('--record takes a whole run: no --group, --case, --peers, --quick');
  return {
    mode,
    groups: names(values.group),
    only: values.case,
    peers: names(values.peers),
    rounds: values.quick ? 1 : positive('rounds', values.rounds, ROUNDS[mode]),
    seconds: values.quick ? 0.3 : positive('seconds', values.seconds, SECONDS[mode]),
    record: values.record,
    results: values.results,
    commits: [a, b],
  };
}

interface Modes {
  readonly compare: boolean;
  readonly gate: boolean;
  readonly help: boolean;
}

function modeOf({ compare, gate, help }: Modes): Arguments['mode'] {
  if (help) return 'help';
  if (compare && gate) throw new ProgramError('--compare and --gate exclude each other');
  if (compare) return 'compare';
  return gate ? 'gate' : 'suite';
}

function names(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new ProgramError(`--${name} must be a positive number, not '${text}'`);
  return name === 'rounds' ? Math.ceil(value) : value;
}
