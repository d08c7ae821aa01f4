/** docs/control.md, docs/spec/control.md and the program say the same. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { controlCommands } from '../../src/cli/commands.ts';
import { ErrnoError } from '../../src/config/errors.ts';
import { type ApiErrno, answerOf } from '../../src/control/answers.ts';
import { allCalls } from '../../src/control/calls.ts';

/** As the docs write paths; a fault's file is one of the attributes. */
function written(path: string): string {
  return path
    .replace('{group}/{setting}', 'A')
    .replace('{name}', 'N')
    .replace('{snapshot}', 'S')
    .replace('{attribute}', 'A')
    .replace('{operation}', 'OP')
    .replace('{rule}', 'ID');
}

/** The calls of a row, which may have several methods: `GET /v1/devices/N/zones`. */
function callsOf(row: string): string[] {
  const [, methods, path] = /^\| ((?:`[A-Z]+`, )*`[A-Z]+) (\/[^`?[]*)/.exec(row) ?? [];
  return (methods?.match(/[A-Z]+/g) ?? []).map((method) => `${method} ${path}`);
}

function properties(schema: unknown): string[] {
  const has = typeof schema === 'object' && schema !== null && 'properties' in schema;
  return has ? Object.keys(schema.properties ?? {}) : [];
}

describe.each(['docs/control.md', 'docs/spec/control.md'])('%s', (document) => {
  const docs = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
  const rows = docs.split('\n').filter((line) => line.startsWith('|'));

  test('every call has a row, and every row is a call', () => {
    const known = allCalls.map(([, { method, path }]) => `${method} ${written(path)}`);
    const told = rows.flatMap(callsOf);
    expect(told.toSorted()).toEqual([...new Set(known)].toSorted());
  });

  test.each(allCalls)('the row of %s names its query, and the fields of its answer', (_, call) => {
    const row = rows.find((one) => callsOf(one).includes(`${call.method} ${written(call.path)}`));
    const [, query = ''] = /\?([^`]*)`/.exec(row ?? '') ?? [];
    const queries = query.match(/\w+(?==)/g) ?? [];
    expect(new Set(queries)).toEqual(new Set(properties(call.query)));
    const [, fields] = /\{ ([^}]*) \}/.exec(row ?? '') ?? [];
    if (fields === undefined) return;
    const names = fields.split(', ').map((field) => field.replace(/:.*/, ''));
    expect(names).toEqual(properties(call.answer));
  });

  test('every command has a row, and every row is a command', () => {
    const told = rows.flatMap((row) => /^\| `tnull (\w+)/.exec(row)?.[1] ?? []);
    expect(new Set(told)).toEqual(new Set(controlCommands.keys()));
  });

  test('every errno is in the row of its status', () => {
    const names = `EINVAL ERANGE ENOENT EEXIST EBUSY EACCES EOPNOTSUPP EIO ETOOMANYREFS EOVERFLOW
      ENODEV ENOSPC ENOMEM ETIMEDOUT`.split(/\s+/);
    for (const name of names) {
      // Each is one of the type's names, which does not exist at run time.
      const { status } = answerOf(new ErrnoError(name as Exclude<ApiErrno, 'E2BIG'>, 'x'));
      const row = rows.find((one) => one.startsWith(`| ${status}`)) ?? '';
      expect(row).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });
});
