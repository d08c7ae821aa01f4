/** The words of `tnull sweep` to what is to be done. Starts nothing. Source: faults.md section 2 (Sweep). */

import { resolve } from 'node:path';
import { ParameterError, shown } from '../../config/errors.ts';
import { parseInteger } from '../../config/numbers.ts';
import { parseRules } from '../../rules/plan.ts';
import { ruleOf } from '../fault-words.ts';
import { namedOutcome, type Shard, shardOf, timeoutOf } from '../outcome.ts';
import { parseArguments, type ServeCommand } from '../parse-arguments.ts';
import { kebab, splitFlag } from '../spelling.ts';
import { UsageError } from '../usage-error.ts';
import { type SweepFlag, sweepFlags, switches } from './flags.ts';

export interface SweepCommand {
  readonly kind: 'sweep';
  /** What each daemon is. */
  readonly serve: ServeCommand;
  readonly command: string;
  /** As it was typed, and its words. */
  readonly rule: string;
  readonly words: Readonly<Record<string, string>>;
  readonly seed: string;
  readonly from: number;
  /** Infinity: until the rule does not strike. */
  readonly to: number;
  readonly shard: Shard;
  readonly jobs: number;
  /** Infinity: no limit. */
  readonly timeoutMs: number;
  readonly keepGoing: boolean;
  /** By status. */
  readonly outcomes: ReadonlyMap<number, string>;
  readonly json: boolean;
  /** The path of what every device begins with. */
  readonly image: string | undefined;
}

export type ParsedSweep =
  | SweepCommand
  | { readonly kind: 'merge'; readonly files: readonly string[]; readonly json: boolean }
  | { readonly kind: 'help' };

/** Of a daemon, and not of many that come and go. */
const refused: ReadonlySet<string> = new Set([
  ...['--stdin', '--config', '--pid-file', '--unix', '-U', '--listen', '--control', '--no-control'],
  ...['--http', '--http-token-file', '--faults', '--fault-log', '--faults-must-strike'],
  ...['--fault-seed', '--exit-with-parent', '--tls', '--tls-certificates', '--tls-psk'],
  '--tls-verify-peer',
]);

const JOBS_MAX = 256;

type Given = { [F in SweepFlag]?: string };

interface Sorted {
  readonly given: Given;
  readonly files: readonly string[];
  readonly outcomes: ReadonlyMap<number, string>;
  /** What is not ours. */
  readonly rest: readonly string[];
}

/** @param argv behind `sweep`. @throws UsageError or ParameterError, in one line. */
export function parseSweep(argv: readonly string[], version: string): ParsedSweep {
  if (argv.some((one) => one === '--help' || one === '-h')) return { kind: 'help' };
  const { given, files, outcomes, rest } = sorted(argv);
  const json = given.json !== undefined;
  if (given.merge !== undefined) {
    const [other] = [...Object.keys(given).filter((name) => !/^(merge|json)$/.test(name)), ...rest];
    if (other !== undefined) throw new UsageError(`sweep: --merge: not with ${shown(other)}`);
    return { kind: 'merge', files: [given.merge, ...files], json };
  }
  if (given.rule === undefined) throw new UsageError('sweep: there is no --rule');
  if (given.run === undefined) throw new UsageError('sweep: there is no --run');
  const level = rest.some((one) => /^--log[-_]level/.test(one)) ? [] : ['--log-level=error'];
  const serve = parseArguments([...level, ...rest, `--run=${given.run}`], version);
  if (serve.kind !== 'serve') throw new UsageError('sweep: --version is for tnull alone');
  const [from, to] = [
    whole('from', given.from, 1),
    whole('to', given.to, Number.POSITIVE_INFINITY),
  ];
  if (from > to) throw new UsageError(`sweep: --to=${to}: it is less than --from`);
  return {
    ...{ kind: 'sweep', serve, command: given.run, rule: given.rule, seed: given.seed ?? '1' },
    ...{ words: wordsOf(given.rule), from, to, shard: shardOf('sweep', given.shard) },
    jobs: whole('jobs', given.jobs, 1, JOBS_MAX),
    timeoutMs: timeoutOf('sweep', given.timeout),
    ...{ keepGoing: given.keepGoing !== undefined, outcomes, json },
    image: given.image === undefined ? undefined : resolve(given.image),
  };
}

function sorted(argv: readonly string[]): Sorted {
  const given: Given = {};
  const files: string[] = [];
  const outcomes = new Map<number, string>();
  const rest: string[] = [];
  const all = argv.values();
  for (const argument of all) {
    const { name, value } = splitFlag(argument);
    if (refused.has(kebab(name))) throw new UsageError(`sweep: ${name}: not for a sweep`);
    const flag = ownFlag(name);
    if (flag === undefined) {
      const isFile = given.merge !== undefined && !argument.startsWith('-');
      (isFile ? files : rest).push(argument);
      continue;
    }
    if (given[flag] !== undefined && flag !== 'outcome') {
      throw new UsageError(`sweep: ${name} is there twice`);
    }
    const text = textOfFlag(name, value, switches.has(flag), all);
    given[flag] = text;
    if (flag === 'outcome') outcomes.set(...namedOutcome('sweep', text));
  }
  return { given, files, outcomes, rest };
}

function ownFlag(name: string): SweepFlag | undefined {
  const [found] = Object.entries(sweepFlags).filter(
    ([, { flags }]) => flags.split(' ')[0] === kebab(name),
  );
  return found?.[0] as SweepFlag | undefined; // a key of that table
}

function textOfFlag(
  name: string,
  value: string | undefined,
  isSwitch: boolean,
  rest: Iterator<string>,
): string {
  if (isSwitch && value !== undefined) throw new UsageError(`sweep: ${name} takes no value`);
  if (isSwitch) return '';
  const given = value ?? rest.next().value;
  if (typeof given === 'string' && given !== '') return given;
  throw new UsageError(`sweep: ${name}: a value is missing`);
}

function whole(
  name: SweepFlag,
  text: string | undefined,
  otherwise: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (text === undefined) return otherwise;
  const value = parseInteger(text);
  if (value !== undefined && value >= 1 && value <= max) return value;
  const most = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
  throw new UsageError(`sweep: --${name}=${shown(text)}: must be a whole number from 1${most}`);
}

const RULE_ID = 'sweep';

/** The words of the rule, which is one with `nth` too. */
function wordsOf(text: string): Readonly<Record<string, string>> {
  const words = ruleOf(text.split(/\s+/).filter(Boolean));
  if ('nth' in words) throw new UsageError('sweep: --rule: nth is what the sweep sets');
  try {
    parseRules([sweepRule(words, 1)]);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    // It names the rule, and that one is ours.
    const what = error.message.replace(`${RULE_ID}: `, '');
    throw new UsageError(`sweep: --rule: ${what}`);
  }
  return words;
}

/** The rule of run `n`. */
export function sweepRule(words: Readonly<Record<string, string>>, n: number): object {
  return { id: RULE_ID, ...words, nth: n };
}
