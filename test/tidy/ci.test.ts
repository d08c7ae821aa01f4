/** .ci/run says at the end what failed, since of a long log only the end is read: on a small checkout whose
 *  stages print what real ones printed. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';

const root = new URL('../../', import.meta.url).pathname;

/** @param scripts what the stages of these names run. @returns the lines that it printed. */
function runStages(scripts: Readonly<Record<string, string>>): string[] {
  const place = folder();
  mkdirSync(join(place, '.ci'));
  mkdirSync(join(place, 'scripts'));
  for (const file of ['.ci/run', 'scripts/common.sh', 'scripts/failures.awk']) {
    cpSync(join(root, file), join(place, file));
  }
  for (const [stage, script] of Object.entries(scripts)) {
    writeFileSync(join(place, `scripts/${fileOf[stage]}`), script);
  }
  const words = [join(place, '.ci/run'), ...Object.keys(scripts)];
  const { stdout } = spawnSync('bash', words, { encoding: 'utf8' });
  return stdout.trimEnd().split('\n');
}

const fileOf: Readonly<Record<string, string>> = {
  lint: 'lint.sh',
  pack: 'pack-test.sh',
  docker: 'docker-check.sh',
};

const print = (text: string, status: number): string =>
  `cat <<'END'\n${text}\nEND\nexit ${status}\n`;
const numbered = (text: string, count: number): string =>
  Array.from({ length: count }, (_, number) => `${text} ${number + 1}`).join('\n');

/** A property that failed, as vitest prints it. */
const property = `
 ✓ |shared| test/other.test.ts (1 test) 1ms
⎯⎯⎯⎯⎯⎯⎯ Failed Tests 2 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  |shared| test/a.property.test.ts > one
 FAIL  |shared| test/a.property.test.ts > alike
Error: Property failed after 3 tests
{ seed: 1374573, path: "2:1:0", endOnFailure: true }
Counterexample: [${'7,'.repeat(400)}7]
${numbered('a line of the error', 100)}

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/2]⎯

 FAIL  |shared| test/b.test.ts > two
AssertionError: expected 4 to be +0

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[2/2]⎯


 Test Files  2 failed | 1 passed (3)
      Tests  3 failed | 1 passed (4)
`;

test('what failed is printed at the end, with seed and counterexample, before the counts', () => {
  const lines = runStages({
    lint: print(
      `ok - types\nnot ok - style (exit 1: biome)\n${numbered('  | line', 80)}\nok - unused\n2 passed, 1 failed`,
      1,
    ),
    pack: print(property, 1),
    docker: print('ok - all\n1 passed, 0 failed', 0),
  });
  const begin = lines.indexOf('== failed: lint');
  const [lint, pack] = [lines.indexOf('== failed: pack'), lines.indexOf('', begin + 70)];
  expect(lines.slice(begin, begin + 3)).toEqual([
    '== failed: lint',
    'lint | not ok - style (exit 1: biome)',
    'lint | ... 22 more lines',
  ]);
  expect(lines.slice(lint - 2, lint)).toEqual(['lint |   | line 80', '']);
  const told = lines.slice(lint, pack);
  expect(told.slice(0, 4)).toEqual([
    '== failed: pack',
    'pack |  FAIL  |shared| test/a.property.test.ts > one',
    'pack |  FAIL  |shared| test/a.property.test.ts > alike',
    'pack | Error: Property failed after 3 tests',
  ]);
  expect(told[4]).toContain('{ seed: 1374573, path: "2:1:0"');
  expect(told[5]).toMatch(/^pack \| Counterexample: \[7,[7,]{200,290} \.\.\.$/);
  expect(told.slice(-3)).toEqual([
    'pack | ... 76 more lines',
    'pack |  FAIL  |shared| test/b.test.ts > two',
    'pack | AssertionError: expected 4 to be +0',
  ]);
  expect(lines.slice(pack + 1, pack + 4).map((line) => line.replace(/ +/g, ' '))).toEqual([
    expect.stringMatching(/^lint \d+ s 2 passed 1 failed exit 1$/),
    expect.stringMatching(/^pack \d+ s 1 passed 3 failed exit 1$/),
    expect.stringMatching(/^docker \d+ s 1 passed 0 failed exit 0$/),
  ]);
  expect(lines.at(-1)).toBe('4 passed, 4 failed');
});

test('of a stage without counts its last lines are printed', () => {
  const lines = runStages({
    lint: `${print(numbered('line', 100), 0)}`.replace('exit 0', 'exit 3'),
  });
  const begin = lines.indexOf('== failed: lint');
  expect(lines.slice(begin + 1, begin + 61)).toEqual(
    numbered('lint | line', 100).split('\n').slice(40),
  );
  expect(lines.at(-1)).toBe('0 passed, 1 failed');
});

test('nothing is printed again where nothing failed', () => {
  const lines = runStages({ lint: print('ok - all\n1 passed, 0 failed', 0) });
  expect(lines.filter((line) => line.includes('== failed'))).toEqual([]);
  expect(lines.at(-1)).toBe('1 passed, 0 failed');
});
