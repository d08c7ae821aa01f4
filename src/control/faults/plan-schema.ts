/** The JSON Schema of a plan, from the table of words. Knows no call.
 *  Source: faults.md section 2; JSON Schema 2020-12. */

import { RULES_MAX } from '../../rules/plan.ts';
import { type Word, type WordName, wordNames, words } from '../../rules/words.ts';

type Json = Readonly<Record<string, unknown>>;

/** The words that this version accepts. */
export const saidWords: readonly WordName[] = wordNames;

function wordSchema(name: WordName): Json {
  const { kind, help }: Word = words[name];
  const type = kind.numeric ? ['string', 'number'] : 'string';
  const description = `${help[0]?.toUpperCase()}${help.slice(1)}: ${kind.allowed}`;
  return { type, description, ...(kind.values === undefined ? {} : { enum: kind.values }) };
}

function partNames(part: Word['part']): WordName[] {
  return saidWords.filter((name) => words[name].part === part);
}

/** Strict validators want to see the property here. */
const has = (name: string): Json => ({ properties: { [name]: true }, required: [name] });

/** A rule; its values are checked in detail when it is added. */
export const ruleSchema: Json = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(saidWords.map((name) => [name, wordSchema(name)])),
  dependentSchemas: Object.fromEntries(
    saidWords.flatMap((name) => {
      const { of = [] }: Word = words[name];
      return of.length === 0 ? [] : [[name, { anyOf: of.map(has) }]];
    }),
  ),
  description: 'A rule has one action, or what stands beside an action alone',
  oneOf: [
    ...partNames('action').map(has),
    {
      not: { anyOf: partNames('action').map(has) },
      anyOf: partNames('beside').map(has),
    },
  ],
};

/** The same in a call that adds a rule. */
export const addedSchema: Json = {
  ...ruleSchema,
  properties: {
    ...Object.fromEntries(Object.entries(Object(ruleSchema['properties']))),
    before: { type: ['string', 'number'], description: 'The id of the rule that it comes before' },
  },
};

export const planSchema: Json = {
  type: 'object',
  additionalProperties: false,
  properties: {
    seed: { type: ['string', 'number'], description: 'Of the dice; without it --fault-seed' },
    rules: { type: 'array', maxItems: RULES_MAX, items: ruleSchema },
  },
};

/** As a file of its own, for editors. */
export const planDocument: Json = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'tnull fault plan',
  ...planSchema,
};
