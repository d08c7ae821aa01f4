/** The recipes of README.md, as they stand there: each block is run, and each command must print what
 *  the lines with # below it say. `...` stands for anything, a decimal number for one of its size. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, startTnull, type Tnull } from './tnull.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const section = /^## Recipes\n(.*?)^## /ms.exec(readme)?.[1] ?? '';

interface Recipe {
  readonly title: string;
  readonly text: string;
}

/** Each with the first bold words before it; the first block only starts the daemon. */
const blocks: readonly Recipe[] = [...section.matchAll(/((?:(?!```).)*)```sh\n(.*?)```/gs)].map(
  ([, before = '', text = '']) => ({ title: /\*\*(.*?)\*\*/s.exec(before)?.[1] ?? 'start', text }),
);

interface Step {
  readonly command: string;
  readonly says: readonly string[];
}

/** A step is what stands before the lines with #: commands that say nothing belong to the next one. */
function steps(text: string): Step[] {
  const found = [...text.matchAll(/((?:^[^#\n].*\n)+)((?:^#.*\n)*)/gm)];
  return found.map(([, command = '', said = '']) => ({
    command,
    says: said
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/^# ?/, '')),
  }));
}

const MARK = '<<tnull step>>';
let tnull: Tnull;

beforeAll(async () => {
  const words = /^npm start -- (.*) &$/m.exec(blocks[0]?.text ?? '')?.[1];
  expect(words, 'the first block starts the daemon').toBeDefined();
  tnull = await startTnull((words ?? '').split(' '));
});

afterAll(async () => {
  expect(await tnull.stop()).toBe(0);
});

/** All steps in one shell, so that it is as typed; each with what it said, both streams. */
async function play(all: readonly Step[]): Promise<string[]> {
  const [, definition = ''] = /^(tnull\(\) .*)$/m.exec(blocks[0]?.text ?? '') ?? [];
  const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const script = [
    'exec 2>&1',
    definition.replace('bin/tnull.js "$@"', `'${program}' "$@" --control '${tnull.control}'`),
    ...all.map(({ command }) => `${here(command)}echo '${MARK}'`),
  ];
  return (await run('bash', '-c', script.join('\n'))).split(`${MARK}\n`);
}

/** The daemon of the test is on a socket of its own. */
function here(command: string): string {
  return command.replace(/nbd:\/\/127\.0\.0\.1\/(\w+)/g, (_, device) => `'${tnull.uriOf(device)}'`);
}

function agrees(said: string, stated: string): boolean {
  const number = /\d+\.\d+/g;
  const pattern = stated
    .split('...')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\d+\\\.\d+/g, '([\\d.]+)'))
    .join('.*');
  const measured = new RegExp(`^${pattern}$`).exec(said)?.slice(1);
  const expected = stated.match(number) ?? [];
  return (
    measured?.every((text, at) => {
      const ratio = Number(text) / Number(expected[at]);
      return ratio > 0.5 && ratio < 2;
    }) ?? false
  );
}

test('there are recipes, and a line that differs is noticed', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(7);
  expect(agrees('bw=19.7MiB/s (20.6MB/s), 1', 'bw=20.0MiB/s (21.0MB/s), ...')).toBe(true);
  expect(agrees('bw=987.1MiB/s (20.6MB/s), 1', 'bw=20.0MiB/s (21.0MB/s), ...')).toBe(false);
  expect(agrees('read failed: Input/output error', 'read 4096/4096 bytes')).toBe(false);
});

test.each(blocks.slice(1).map(({ title, text }) => ({ title, text })))(
  '$title',
  async ({ text }) => {
    const all = steps(text);
    const said = await play(all);
    expect(all.flatMap(({ says }) => says).length).toBeGreaterThan(0);
    for (const [at, { command, says }] of all.entries()) {
      const lines = (said[at] ?? '').split('\n').slice(0, -1);
      const same =
        says.length === lines.length && says.every((one, i) => agrees(lines[i] ?? '', one));
      if (!same) expect(lines, command).toEqual(says);
    }
  },
);
