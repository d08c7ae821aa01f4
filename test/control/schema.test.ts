/** Our check of schemas agrees with ajv. schema.ts. */

import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJudged } from '../../src/control/call.ts';
import { allCalls } from '../../src/control/calls.ts';
import { type Schema, wrongWith } from '../../src/control/schema.ts';
import { errorAnswer } from '../../src/control/schemas.ts';
import { testRuns } from '../test-runs.ts';

const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
const values = [
  ...['', 'x', '12', 'full', 'issued', true, false, null, undefined, [], {}, ['x'], { start: 1 }],
  ...[0, 1, -1, -2, 0.5, 2 ** 53 - 1, 2 ** 53, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY],
];
const anything = fc.constantFrom<unknown>(...values);

/** Values that mostly fit `schema`. */
function near(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 19, arbitrary: right(schema) }, { weight: 1, arbitrary: anything });
}

function right(schema: Schema): fc.Arbitrary<unknown> {
  const { properties, items, anyOf, required = [] } = schema;
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(near));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (items !== undefined) return fc.array(near(items), { maxLength: 3 });
  if (schema.type === 'object') {
    const known = Object.entries(properties ?? {}).map(([name, one]) => [name, near(one)] as const);
    const extra = fc.constantFrom('', 'nix', 'toString', '__proto__').map((name) => [name, 0]);
    return fc
      .tuple(
        fc.record(Object.fromEntries(known), { requiredKeys: [...required] }),
        fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: extra }),
      )
      .map(([made, [name]]) => withName(JSON.stringify(made), name));
  }
  return anything;
}

/** By text, so that `__proto__` is a property like any other. */
function withName(object: string, name: unknown): unknown {
  if (name === undefined) return JSON.parse(object);
  const comma = object === '{}' ? '' : ',';
  return JSON.parse(`${object.slice(0, -1)}${comma}${JSON.stringify(name)}:0}`);
}

const all = allCalls.flatMap(([name, { query, body, answer }]) =>
  [query, body, answer].flatMap((schema, at) =>
    typeof schema === 'object' && !isJudged(schema)
      ? [[`${name} ${['query', 'body', 'answer'][at]}`, schema] as const]
      : [],
  ),
);

describe('what is wrong, and in which words, is what ajv says', () => {
  test.each([...all, ['error', errorAnswer] as const])('%s', (_, schema) => {
    const validate = ajv.compile(schema);
    const run = fc.property(near(schema), (value) => {
      const found = wrongWith(schema, value);
      expect(found === undefined).toBe(validate(value));
      if (found === undefined) return;
      const { path, keyword, rule, extra } = found;
      const instancePath = path.map(
        (name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      );
      const said = { instancePath: instancePath.join(''), keyword, message: rule };
      const named = extra === undefined ? {} : { params: { additionalProperty: extra } };
      expect(validate.errors).toContainEqual(expect.objectContaining({ ...said, ...named }));
    });
    fc.assert(run, { numRuns: testRuns(60) });
  });
});

test('the first of several things is told, from the outside in', () => {
  const schema: Schema = {
    type: 'object',
    required: ['a'],
    additionalProperties: { type: 'array', items: { type: 'integer', maximum: 3 } },
    properties: { a: { type: ['string', 'null'], pattern: '^x' } },
  };
  expect(wrongWith(schema, { a: 'y', b: 1 })).toMatchObject({ path: ['a'], keyword: 'pattern' });
  expect(wrongWith(schema, { b: 1 })).toMatchObject({ path: [], keyword: 'required' });
  expect(wrongWith(schema, { a: null, b: [1, 4] })).toMatchObject({ path: ['b', '1'] });
  expect(wrongWith(schema, { a: 'x', b: [3] })).toBeUndefined();
});
