/** `TNULL_*` variables to arguments: one for every flag and every parameter, weaker than what is typed and
 *  stronger than a configuration. Source: test-api.md section 1. */

import { shown } from '../config/errors.ts';
import { BOOLEAN_RULE, parseBoolean } from '../config/kinds.ts';
import { nearest } from '../config/nearest.ts';
import { isParameter, rows } from '../config/parameters.ts';
import { allFlags, type Flag } from './flags.ts';
import { limitFlags } from './limit-flags.ts';
import { kebab, splitFlag } from './spelling.ts';
import { UsageError } from './usage-error.ts';

const PREFIX = 'TNULL_';

/** What tnull itself and its friends tell commands in the environment; none of them is a flag. */
const OF_OTHERS = /^TNULL_(DEBUG|CPUS|URI|DEVICE|PARENT|TEST_.*|SWEEP_.*|CRASH_.*)$/;

/** Where clients come in: who types one of them means none of the others. */
const PLACES = new Set(['--listen', '--unix', '--stdin']);
const TYPED_PLACE = /^(?:--(?:listen|unix|stdin)(?:=|$)|-U)/;

/** Commands of a child look for it, too. */
const STAYS = 'TNULL_CONTROL';

export interface FromEnvironment {
  /** As they would be typed, in front of those that were. */
  readonly argv: readonly string[];
  /** Which variable said it. */
  readonly saidBy: ReadonlyMap<string, string>;
  /** One line for each variable that means nothing. */
  readonly notices: readonly string[];
}

/** Takes the variables out of `environment`: they are not for our children.
 *  @param typed what was typed: a list that is there replaces one of the environment, and a place all places.
 *  @throws UsageError in one line. */
export function takeVariables(
  environment: NodeJS.ProcessEnv,
  typed: readonly string[],
): FromEnvironment {
  const names = Object.keys(environment).filter((name) => name.startsWith(PREFIX));
  const saidBy = new Map<string, string>();
  const notices: string[] = [];
  if (names.length === 0) return { argv: [], saidBy, notices };
  const known = knownVariables();
  const given = new Set(typed.map((argument) => kebab(splitFlag(argument).name)));
  const hasPlace = typed.some((argument) => TYPED_PLACE.test(argument));
  for (const name of names.sort()) {
    const value = environment[name] ?? '';
    const flag = known.get(name);
    if (flag === undefined) {
      if (!OF_OTHERS.test(name)) notices.push(unknown(name, known));
      continue;
    }
    if (name !== STAYS) delete environment[name];
    // Nobody means an empty text: files of variables have lines for what is not wanted.
    if (value === '' || (flag.kind === 'list' && given.has(flag.long))) continue;
    if (hasPlace && PLACES.has(flag.long)) continue;
    for (const argument of argumentsOf(name, flag, value)) saidBy.set(argument, name);
  }
  return { argv: [...saidBy.keys()], saidBy, notices };
}

interface KnownFlag {
  readonly long: string;
  readonly kind: Flag['kind'];
}

function knownVariables(): ReadonlyMap<string, KnownFlag> {
  const known = new Map<string, KnownFlag>();
  const add = (long: string, kind: Flag['kind']): void => {
    known.set(variableOf(long), { long, kind });
  };
  for (const { flags, kind } of allFlags) add(longOf(flags), kind);
  for (const { flags } of limitFlags) add(longOf(flags), 'value');
  for (const name of rows.keys()) if (isParameter(name)) add(`--${kebab(name)}`, 'value');
  return known;
}

function longOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? '';
}

function variableOf(long: string): string {
  return `${PREFIX}${long.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

function argumentsOf(variable: string, { long, kind }: KnownFlag, value: string): string[] {
  if (kind === 'list') return value.split(/\s+/).map((one) => `${long}=${one}`);
  if (kind !== 'switch') return [`${long}=${value}`];
  const isOn = parseBoolean(value);
  if (isOn === undefined) throw new UsageError(`${variable}=${shown(value)}: ${BOOLEAN_RULE}`);
  return isOn ? [long] : [];
}

function unknown(name: string, known: ReadonlyMap<string, KnownFlag>): string {
  const bare = (variable: string): string => variable.slice(PREFIX.length).toLowerCase();
  const near = nearest(bare(name), Array.from(known.keys(), bare));
  const meant = near === undefined ? '' : `; the nearest is ${PREFIX}${near.toUpperCase()}`;
  return `${shown(name)}: no flag or parameter has this variable${meant}`;
}
