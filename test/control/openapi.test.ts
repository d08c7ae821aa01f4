/** docs/openapi.json, as others read it: it is the server's own document, and a validator of OpenAPI 3.1 accepts
 *  it. Source: test-api.md section 2. */

import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { ways } from '../../src/client/made/ways.ts';
import { calls } from '../../src/control/calls.ts';
import { serveControlled } from '../wire/controlled.ts';

const file = new URL('../../docs/openapi.json', import.meta.url);

test('the file is what the server says', async () => {
  const { ask } = await serveControlled('nr_devices=0');
  const served = JSON.parse((await ask('GET', '/v1/openapi.json')).text);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(served);
});

test('a validator from elsewhere accepts it, and would not accept a broken one', async () => {
  const document = JSON.parse(readFileSync(file, 'utf8'));
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  const broken = { ...document, paths: { '/v1': { get: { responses: 7 } } } };
  expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
});

test('the client knows every call, and no other', () => {
  expect(Object.keys(ways)).toEqual(Object.keys(calls));
});
