/** A plan: a seed and rules, all of it or nothing. Source: faults.md section 2. */

import { ParameterError } from '../config/errors.ts';
import { parseRule, type Rule } from './rule.ts';
import type { RuleWords } from './words.ts';

export const RULES_MAX = 1024;

export interface Plan {
  /** Undefined: that of --fault-seed. */
  readonly seed: string | undefined;
  readonly rules: readonly Rule[];
}

/** As JSON has it. */
export interface PlanJson {
  readonly seed?: string;
  readonly rules: readonly RuleWords[];
}

/** Work that yields after each rule, so that others have their turn. */
export type PlanWork<T> = Generator<undefined, T, undefined>;

/** @param json anything. @throws ParameterError. */
export function parsePlan(json: unknown): Plan {
  return atOnce(planWork(json));
}

/** The same, rule by rule. */
export function* planWork(json: unknown): PlanWork<Plan> {
  if (!isObject(json))
    throw new ParameterError('faults', undefined, 'a plan must be an object with rules');
  for (const name of Object.keys(json)) {
    if (name !== 'seed' && name !== 'rules') {
      throw new ParameterError(
        'faults',
        undefined,
        `${name}: no such key; a plan has seed and rules`,
      );
    }
  }
  const { seed, rules = [] } = json;
  if (seed !== undefined && typeof seed !== 'string' && typeof seed !== 'number') {
    throw new ParameterError('faults', undefined, 'the seed must be a text or a number');
  }
  if (!Array.isArray(rules)) throw new ParameterError('faults', undefined, 'rules must be a list');
  return { seed: seed === undefined ? undefined : `${seed}`, rules: yield* rulesWork(rules, []) };
}

/** @param others that are there already. @throws ParameterError. */
export function parseRules(given: readonly unknown[], others: readonly Rule[] = []): Rule[] {
  return atOnce(rulesWork(given, others));
}

function atOnce<T>(work: PlanWork<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

function* rulesWork(given: readonly unknown[], others: readonly Rule[]): PlanWork<Rule[]> {
  if (given.length + others.length > RULES_MAX) {
    throw new ParameterError('faults', undefined, `a device has at most ${RULES_MAX} rules`);
  }
  const ids = new Set(others.map(({ id }) => id));
  const names = given.map((words) => (isObject(words) ? words['id'] : undefined));
  for (const name of names) if (name !== undefined) ids.add(`${name}`);
  const rules: Rule[] = [];
  const taken = new Set(others.map(({ id }) => id));
  let next = 1;
  for (const words of given) {
    while (ids.has(`r${next}`)) next++;
    const rule = parseRule(ruleWords(words, `r${next}`), `r${next}`);
    if (taken.has(rule.id))
      throw new ParameterError(
        `${rule.id}: id`,
        rule.id,
        'must be another: there is a rule of this id',
      );
    taken.add(rule.id);
    ids.add(rule.id);
    rules.push(rule);
    yield;
  }
  return rules;
}

/** What `parsePlan` reads back. */
export function planJson(seed: string, rules: readonly Rule[]): PlanJson {
  return { seed, rules: rules.map(({ id, words }) => ({ id, ...words })) };
}

function ruleWords(given: unknown, id: string): RuleWords {
  if (!isObject(given)) throw new ParameterError(id, undefined, 'must be an object of words');
  const words: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new ParameterError(
        `${id}: ${name}`,
        JSON.stringify(value),
        'must be a text or a number',
      );
    }
    words[name] = value;
  }
  return words;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
