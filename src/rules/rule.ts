/** One rule: its words judged together, and what they mean. Source: faults.md section 1. */

import { Command } from '../block/command.ts';
import { ParameterError } from '../config/errors.ts';
import { nearestText } from '../config/nearest.ts';
import { bug, MiB, SECTOR_BYTES } from '../units.ts';
import type { Action, ActionKind, Applied, Delay } from './actions.ts';
import type { Range } from './kinds.ts';
import {
  Arrival,
  commands,
  isIn,
  membersOf,
  type Operation,
  type OperationSet,
  operationName,
  setOf,
} from './operations.ts';
import {
  isWord,
  type Part,
  type RuleWords,
  type Values,
  type WordName,
  wordNames,
  words,
} from './words.ts';

export interface Match {
  readonly operations: OperationSet;
  readonly sectors: Range | undefined;
  /** Of the length in bytes. */
  readonly bytes: Range | undefined;
  /** Bytes; 0: any. */
  readonly align: number;
  readonly fua: boolean | undefined;
  readonly client: number | undefined;
  readonly data: { readonly bytes: Uint8Array; readonly every: number | undefined } | undefined;
  /** Since the rule was added; Infinity: for ever. */
  readonly fromNs: number;
  readonly untilNs: number;
  readonly state: number | undefined;
}

export interface Trigger {
  readonly per: 'device' | 'client' | 'sector';
  readonly skip: number;
  readonly interval: number;
  /** 0 to 1. */
  readonly probability: number;
  /** -1: no limit. */
  readonly times: number;
  readonly burst: number;
}

export interface Rule {
  readonly id: string;
  readonly match: Match;
  readonly trigger: Trigger;
  /** Undefined: what stands beside it is all. */
  readonly action: Action | undefined;
  readonly delay: Delay | undefined;
  readonly setState: number | undefined;
  readonly mark: string | undefined;
  /** The name of a snapshot before the command. */
  readonly snapshot: string | undefined;
  /** As they were written, without the id, in the order of the table. */
  readonly words: RuleWords;
}

/** What the log and counters call it: its action, or the first word that stands in place of one. */
export function actionName({ action, words: given }: Pick<Rule, 'action' | 'words'>): string {
  return (
    action?.kind ?? besideNames.find((name) => name in given) ?? bug('a rule without an action')
  );
}

/** For each action the operations that it can strike. */
const strikes: Readonly<Record<ActionKind, readonly Operation[]>> = {
  error: [...commands, Arrival.CONNECT],
  hang: commands,
  torn: [Command.WRITE],
  misdirect: [Command.READ, Command.WRITE],
  lose: [Command.WRITE, Command.WRITE_ZEROES, Command.DISCARD],
  lie: [Command.FLUSH, Command.WRITE, Command.WRITE_ZEROES],
  stale: [Command.READ],
  corrupt: [Command.READ, Command.WRITE],
  cut: commands,
  wire: [...commands, Arrival.CONNECT, Arrival.HANDSHAKE],
};

const arrivals = [Arrival.CONNECT, Arrival.HANDSHAKE] as const;

const STALE_BYTES_MAX = 64 * MiB;

/** The wire actions that a client who arrives, and a handshake, can meet. */
const onConnect: ReadonlySet<string> = new Set(['reset', 'close', 'stall']);
const inHandshake: ReadonlySet<string> = new Set(['truncate', 'stall', 'drip']);

/** @param fallbackId the rule's name where it has none.
 *  @throws ParameterError: one line that names rule, word, value and what is allowed. */
export function parseRule(given: RuleWords, fallbackId: string): Rule {
  return new Judge(given, fallbackId).rule();
}

/** The values of one rule, and who complains of them. */
class Judge {
  readonly #id: string;
  readonly #words: Readonly<Record<string, string>>;
  readonly #given: RuleWords;
  readonly #values: Values;

  constructor(given: RuleWords, fallbackId: string) {
    this.#given = given;
    this.#words = Object.fromEntries(
      Object.entries(given).map(([word, v]) => [word, plainText(v)]),
    );
    const { id } = this.#words;
    this.#id = id === undefined || words.id.kind.read(id) === undefined ? fallbackId : id;
    this.#values = Object.fromEntries(
      Object.entries(this.#words).map(([name, text]) => [name, this.#valueOf(name, text)]),
    );
  }

  rule(): Rule {
    const { set_state: setState, mark, delay, snapshot } = this.#values;
    for (const [name, { of }] of Object.entries(words)) this.#belongs(name, of);
    const action = this.#action();
    if (
      action === undefined &&
      delay === undefined &&
      setState === undefined &&
      mark === undefined &&
      snapshot === undefined
    ) {
      throw new ParameterError(this.#id, undefined, NO_ACTION);
    }
    return {
      id: this.#id,
      match: this.#match(action),
      trigger: this.#trigger(),
      action,
      delay,
      setState,
      mark,
      snapshot,
      words: Object.fromEntries(
        wordNames.flatMap((name) => {
          const value = this.#given[name];
          return value === undefined || name === 'id' ? [] : [[name, value]];
        }),
      ),
    };
  }

  #valueOf(name: string, text: string): unknown {
    if (!isWord(name)) {
      const near = nearestText(name, wordNames, 'did you mean');
      const rule = `no such word${near}; the words are ${wordNames.join(', ')}`;
      throw new ParameterError(this.#at(name), text, rule);
    }
    const { kind } = words[name];
    const value = kind.read(text);
    if (value === undefined) throw this.#wrong(name, `must be ${kind.allowed}`);
    return value;
  }

  /** A word of an action that is not there. */
  #belongs(name: string, of: readonly string[] | undefined): void {
    if (of === undefined || of.length === 0 || !isWord(name)) return;
    const there = of.some((other) => other in this.#words);
    if (name in this.#words && !there) throw this.#wrong(name, `only with ${of.join(' or ')}`);
  }

  #wrong(name: WordName, rule: string): ParameterError {
    return new ParameterError(this.#at(name), this.#words[name], rule);
  }

  #at(name: string): string {
    return `${this.#id}: ${name}`;
  }

  #action(): Action | undefined {
    const v = this.#values;
    const named = actionNames.filter((name) => name in this.#words);
    const [first, second] = named;
    if (second !== undefined) throw this.#wrong(second, `not with ${first}: a rule has one action`);
    if (v.until === 'rewrite' && v.error === undefined)
      throw this.#wrong('until', 'only with error');
    if (v.error !== undefined) return this.#error(v.error);
    if (v.hang !== undefined) return { kind: 'hang', ns: v.hang };
    if (v.torn !== undefined) return this.#torn(v.torn);
    if (v.misdirect !== undefined) return { kind: 'misdirect', ...v.misdirect };
    if (v.lose !== undefined) return { kind: 'lose' };
    if (v.lie !== undefined) return { kind: 'lie' };
    if (v.stale !== undefined) return this.#stale(v.stale);
    if (v.cut !== undefined) return this.#cut(v.cut);
    if (v.corrupt !== undefined) return this.#corrupt(v.corrupt);
    return v.wire === undefined ? undefined : this.#wire(v.wire);
  }

  #error(errno: NonNullable<Values['error']>): Action {
    const { op, apply = { form: 'none' }, until } = this.#values;
    if (apply.form === 'drop' && op !== undefined && op !== setOf([Command.FLUSH])) {
      throw this.#wrong('apply', 'only with op=flush');
    }
    if (apply.form === 'first' && op !== undefined && isIn(op, Command.FLUSH)) {
      throw this.#wrong('apply', 'not with op=flush, which has no blocks');
    }
    const untilRewrite = until === 'rewrite';
    if (untilRewrite && op !== undefined && !isIn(op, Command.READ)) {
      throw this.#wrong('until', 'only with op=read');
    }
    return { kind: 'error', errno, apply, untilRewrite };
  }

  #torn(kept: NonNullable<Values['torn']>): Action {
    const answer = this.#values.then ?? 'ok';
    return { kind: 'torn', kept, answer };
  }

  #cut(keep: NonNullable<Values['cut']>): Action {
    return { kind: 'cut', keep, at: this.#values.at ?? 'before' };
  }

  #stale(writes: number): Action {
    const { sectors } = this.#values;
    if (sectors === undefined) throw this.#wrong('stale', 'only with sectors');
    if ((sectors.last - sectors.first + 1) * SECTOR_BYTES > STALE_BYTES_MAX) {
      throw this.#wrong('sectors', `must be at most ${STALE_BYTES_MAX / MiB} MiB, with stale`);
    }
    return { kind: 'stale', writes };
  }

  #corrupt(how: NonNullable<Values['corrupt']>): Action {
    const { where = 'either', op } = this.#values;
    const only = where === 'reply' ? Command.READ : Command.WRITE;
    if (where !== 'either' && op !== undefined && op !== setOf([only])) {
      throw this.#wrong('where', `only with op=${operationName(only)}`);
    }
    return { kind: 'corrupt', how, where };
  }

  #wire(wire: NonNullable<Values['wire']>): Action {
    const { apply = { form: 'all' }, op } = this.#values;
    if (apply.form !== 'all' && apply.form !== 'none') {
      throw this.#wrong('apply', 'must be all or none, with wire');
    }
    const able = [
      [Arrival.CONNECT, onConnect],
      [Arrival.HANDSHAKE, inHandshake],
    ] as const;
    for (const [arrival, forms] of able) {
      if (op === undefined || !isIn(op, arrival) || forms.has(wire.form)) continue;
      const allowed = `one of ${[...forms].join(', ')}`;
      throw this.#wrong('wire', `must be ${allowed}, with op=${operationName(arrival)}`);
    }
    return { kind: 'wire', wire, apply: apply.form };
  }

  #match(action: Action | undefined): Match {
    const v = this.#values;
    const { data, data_every: every, until } = v;
    const operations = this.#operations(action);
    if (
      data !== undefined &&
      !isIn(operations, Command.WRITE) &&
      !isIn(operations, Command.ZONE_APPEND)
    ) {
      throw this.#wrong('data', 'only with op=write or op=zone_append, which have a payload');
    }
    if (v.sectors !== undefined && operations === setOf([Command.FLUSH])) {
      throw this.#wrong('sectors', 'not with op=flush, which has none');
    }
    if ((operations & ~setOf(arrivals)) === 0) this.#notOfArrivals();
    if (v.client === 0 && action?.kind === 'wire') {
      throw this.#wrong(
        'client',
        'must be from 1 on, with wire: the control side has no connection',
      );
    }
    return {
      operations,
      sectors: v.sectors,
      bytes: v.bytes,
      align: v.align ?? 0,
      fua: v.fua,
      client: v.client,
      data: data === undefined ? undefined : { bytes: data, every },
      fromNs: v.from ?? 0,
      untilNs: until === undefined || until === 'rewrite' ? Number.POSITIVE_INFINITY : until,
      state: v.state,
    };
  }

  /** A client that arrives names no sectors. */
  #notOfArrivals(): void {
    for (const name of ['sectors', 'bytes', 'align', 'fua'] as const) {
      if (this.#values[name] === undefined) continue;
      throw this.#wrong(name, 'not with op=connect or op=handshake, which have none');
    }
  }

  /** Those that were named, or all that the action can strike. */
  #operations(action: Action | undefined): OperationSet {
    const { op } = this.#values;
    const able = setOf(strikable(action));
    if (op === undefined) {
      return (able & ~setOf(arrivals)) as OperationSet; // a part of a set
    }
    for (const operation of membersOf(op)) {
      if (isIn(able, operation)) continue;
      const what = action?.kind ?? besideNames.find((one) => one in this.#words);
      const names = [...membersOf(able)].map(operationName).join(', ');
      throw this.#wrong('op', `must be out of ${names}, with ${what}`);
    }
    return op;
  }

  #trigger(): Trigger {
    const {
      per = 'device',
      skip,
      nth,
      interval = 1,
      probability = 100,
      times,
      burst = 1,
    } = this.#values;
    if (nth !== undefined && skip !== undefined)
      throw this.#wrong('skip', 'not with nth, which says it already');
    if (nth !== undefined && times !== undefined)
      throw this.#wrong('times', 'not with nth, with which it is 1');
    return {
      per,
      skip: nth === undefined ? (skip ?? 0) : nth - 1,
      interval,
      probability: probability / 100,
      times: nth === undefined ? (times ?? -1) : 1,
      burst,
    };
  }
}

/** JSON's 1e-7 is a decimal number like any other. */
function plainText(value: string | number): string {
  const text = `${value}`;
  return typeof value === 'number' && /e-/.test(text) ? value.toFixed(20) : text;
}

const namesOf = (part: Part): readonly WordName[] =>
  wordNames.filter((name) => words[name].part === part);
const actionNames = namesOf('action');
const besideNames = namesOf('beside');
const NO_ACTION = `must have one of ${actionNames.join(', ')}, or ${besideNames.join(', ')}`;

function strikable(action: Action | undefined): readonly Operation[] {
  if (action === undefined) return [...commands, Arrival.CONNECT];
  if (action.kind === 'error') return strikableByError(action.apply);
  if (action.kind === 'corrupt' && action.where === 'reply') return [Command.READ];
  if (action.kind === 'corrupt' && action.where === 'store') return [Command.WRITE];
  return strikes[action.kind];
}

function strikableByError({ form }: Applied): readonly Operation[] {
  if (form === 'drop') return [Command.FLUSH];
  if (form === 'none') return strikes.error;
  const ranged = commands.filter((operation) => operation !== Command.FLUSH);
  return form === 'first' ? ranged : commands;
}
