/** README.md as a newcomer types it: in a copy of the checkout in which nothing is installed or built, every
 *  block of commands in its order, with two terminals. A command must print what the lines with # below it
 *  say (`...` stands for anything, a decimal number for one of its size); where there are none, succeed. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newFolder } from '../run-folder.ts';
import { until } from '../until.ts';
import { errorsIn } from './tnull.ts';

const checkout = new URL('../../', import.meta.url).pathname;
const readme = readFileSync(join(checkout, 'README.md'), 'utf8');

/** What is not run here, and why. */
const leftOut: readonly [RegExp, string][] = [
  [/^sudo nbd-client /, "needs the kernel's client: test/kernel"],
];

interface Block {
  readonly title: string;
  readonly text: string;
}

/** Each under its heading, or the first bold words before it. */
const blocks: readonly Block[] = [...readme.matchAll(/((?:(?!```).)*)```sh\n(.*?)```/gs)].map(
  ([, before = '', text = '']) => {
    const heading = before
      .match(/^## .*$/gm)
      ?.at(-1)
      ?.slice(3);
    return { title: /\*\*(.*?)\*\*/s.exec(before)?.[1] ?? heading ?? 'and then', text };
  },
);
/** It serves until Ctrl-C: for a terminal of its own. */
const [start = { title: '', text: '' }, ...others] = blocks;

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

/** Its lines, without those that are left out. */
function typed(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.filter((line) => !leftOut.some(([pattern]) => pattern.test(line)));
}

const MARK = '<<tnull step>>';

/** A shell in the copy, whose commands find a place of their own for files. */
class Terminal {
  readonly #shell: ChildProcess;
  said = '';

  constructor(folder: string, copy: string) {
    const npm = { npm_config_audit: 'false', npm_config_fund: 'false' };
    const offline = { npm_config_prefer_offline: 'true', npm_config_update_notifier: 'false' };
    this.#shell = spawn('bash', ['-c', 'exec 2>&1; exec bash'], {
      cwd: copy,
      env: { ...process.env, XDG_RUNTIME_DIR: folder, ...npm, ...offline },
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true, // what is typed is for its processes, not for those of the test
    });
    this.#shell.stdout?.on('data', (data) => (this.said += data));
  }

  type(text: string): void {
    this.#shell.stdin?.write(`${text}\n`);
  }

  /** @returns what it said until then. */
  async run(text: string): Promise<string> {
    this.said = '';
    this.type(`${text}\necho '${MARK}'`);
    await until(() => this.said.endsWith(`${MARK}\n`) || this.ended);
    return this.said.slice(0, -MARK.length - 1);
  }

  get ended(): boolean {
    return this.#shell.exitCode !== null || this.#shell.signalCode !== null;
  }

  /** Ctrl-C, and leaving. */
  async leave(): Promise<void> {
    if (!this.ended) process.kill(-(this.#shell.pid ?? 0), 'SIGINT');
    this.#shell.stdin?.end();
    await until(() => this.ended);
  }
}

const folder = newFolder();
const copy = join(folder, 'tnull');
let [first, second]: Terminal[] = [];

function here(text: string): string {
  return text.replaceAll('/tmp/', `${folder}/`);
}

beforeAll(async () => {
  const list = 'git ls-files -z --cached --others --exclude-standard --deduplicate';
  const pack = `${list} | tar --ignore-failed-read -c --null -T - | tar -x -C "$0"`;
  execFileSync('bash', ['-c', `mkdir "$0" && ${pack}`, copy], { cwd: checkout });
  first = new Terminal(folder, copy);
  second = new Terminal(folder, copy);
  first.type(start.text);
  await until(() => first?.ended === true || /bytes$|^tnull: |npm error/m.test(first?.said ?? ''));
});

afterAll(async () => {
  for (const terminal of [second, first]) await terminal?.leave();
  expect(errorsIn(first?.said ?? '')).toEqual([]);
  expect(existsSync(join(folder, 'tnull/control.sock')), 'the daemon ended well').toBe(false);
  rmSync(folder, { recursive: true, force: true });
});

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

test('there are blocks, and a line that differs is noticed', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(10);
  for (const [pattern, why] of leftOut) {
    const lines = readme.split('\n').filter((line) => pattern.test(line));
    expect(lines, why).toHaveLength(1);
  }
  expect(agrees('bw=19.7MiB/s (20.6MB/s), 1', 'bw=20.0MiB/s (21.0MB/s), ...')).toBe(true);
  expect(agrees('bw=987.1MiB/s (20.6MB/s), 1', 'bw=20.0MiB/s (21.0MB/s), ...')).toBe(false);
  expect(agrees('read failed: Input/output error', 'read 4096/4096 bytes')).toBe(false);
});

test('Start', () => {
  const where = /serves 4 GiB of memory at `(.*?)`/.exec(readme)?.[1];
  expect(first?.said).toContain(`\n${where} 4294967296 bytes\n`);
});

test.each(others.map(({ title, text }) => ({ title, text })))('$title', async ({ text }) => {
  if (second === undefined) throw new Error('no terminal');
  const all = steps(text);
  if (all.every(({ says }) => says.length === 0)) {
    for (const line of typed(text)) {
      const said = await second.run(`${here(line)}\necho "status $?"`);
      expect(said, line).toMatch(/^status 0\n$/m);
    }
    return;
  }
  for (const { command, says } of all) {
    const lines = (await second.run(here(command))).split('\n').slice(0, -1);
    const same =
      says.length === lines.length && says.every((one, i) => agrees(lines[i] ?? '', one));
    if (!same) expect(lines, command).toEqual(says);
  }
});
