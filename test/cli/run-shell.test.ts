/** `--run` with a shell in it: on a terminal, whose line discipline makes signals of what is typed, and with
 *  commands from a pipe, or one that ignores signals. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { program, startIn } from './program.ts';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const PROMPT = /its-prompt /;
/** /bin/sh keeps PS1 to itself. */
const SHELL = 'exec env PS1="its-prompt " bash --norc --noprofile';
/** They print words that are not in their text, which the terminal echoes. */
const JOB = `sh -c "echo jo''b-is-up; exec sleep 600"`;
const SERVED = `test -S "$unixsocket" && echo st''ill-there`;

class Session {
  readonly #child: ChildProcess;
  readonly #pidFile = join(folder(), 'pid');
  #said = '';

  constructor(onTerminal: boolean, command: string) {
    const words = ['--no-control', '--log-level', 'warn', '--pid-file', this.#pidFile, 'size=1'];
    const all = [process.execPath, program, ...words, '--run', command];
    const typed = `exec ${all.map((word) => `'${word}'`).join(' ')}`;
    const [first = '', ...rest] = onTerminal ? ['script', '-qfec', typed, '/dev/null'] : all;
    this.#child = spawn(first, rest, {
      env: { ...process.env, HISTFILE: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
    this.#child.stdout?.on('data', (data) => (this.#said += data));
  }

  get daemon(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'));
  }

  /** Types `text`. @returns what is said until `pattern` is in it. */
  async type(text: string, pattern = PROMPT): Promise<string> {
    this.#said = '';
    this.#child.stdin?.write(text);
    return await this.says(pattern);
  }

  async says(pattern: RegExp): Promise<string> {
    await until(() => pattern.test(this.#said) || this.#child.exitCode !== null);
    if (!pattern.test(this.#said)) throw new Error(`it ended: ${this.#said}`);
    return this.#said;
  }

  /** Types `last`, and nothing more. @returns the exit status, and what was said. */
  async end(last: string): Promise<{ readonly status: number; readonly said: string }> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end(last);
    const [status] = await closed;
    return { status, said: this.#said };
  }

  async ended(): Promise<number> {
    await until(() => this.#child.exitCode !== null);
    return this.#child.exitCode ?? -1;
  }
}

test('on a terminal jobs are stopped, go on and are interrupted, and the daemon stays', async () => {
  const session = new Session(true, SHELL);
  await session.says(PROMPT);
  await session.type(`${JOB}\r`, /job-is-up/);
  expect(await session.type(CTRL_Z)).toContain('Stopped');
  expect(await session.type('bg\r')).toContain('sleep 600" &');
  expect(await session.type('jobs\r')).toContain('Running');
  await session.type('fg\r', /sleep 600"\r\n/);
  await session.type(CTRL_C);
  await session.type(CTRL_C); // at the prompt
  expect(await session.type('jobs\r')).not.toMatch(/Running|Stopped/);
  await session.type(`${SERVED}\r`, /still-there/);
  expect((await session.end('exit 7\r')).status).toBe(7);
});

test('on a terminal Ctrl-C ends what is no shell, and the daemon with it', async () => {
  const session = new Session(true, JOB);
  await session.says(/job-is-up/);
  await session.type(CTRL_C, /\^C/);
  expect(await session.ended()).toBeGreaterThan(128);
});

test('a signal ends a shell that is typed into, and the job that it stopped, by a hangup', async () => {
  const session = new Session(true, SHELL);
  await session.says(PROMPT);
  await session.type(`${JOB}\r`, /job-is-up/);
  await session.type(CTRL_Z);
  const [, job] = /pid-(\d+)-/.exec(await session.type(`echo pid-$(jobs -p)-\r`, /pid-\d+-/)) ?? [];
  process.kill(session.daemon, 'SIGTERM');
  expect(await session.ended()).toBe(128 + 1);
  await until(() => !isAlive(Number(job)));
});

test('commands come from a pipe: jobs are waited for and ended, and the status is theirs', async () => {
  const session = new Session(false, 'bash');
  const lines = [
    SERVED,
    'set -m',
    'sleep 600 & jobs',
    'kill %1; wait %1',
    'echo "then $?"',
    'exit 3',
  ];
  const { status, said } = await session.end(`${lines.join('\n')}\n`);
  expect(status).toBe(3);
  expect(said).toMatch(/^still-there\n\[1\]\+ +Running .*\nthen 143\n$/);
});

test('the end of the pipe is the end of the shell', async () => {
  expect(await new Session(false, 'bash').end('(exit 5)\n')).toEqual({ status: 5, said: '' });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a command of --run that ignores signals is killed in the end', async () => {
  const place = folder();
  const ready = join(place, 'ready');
  const command = `trap '' TERM INT HUP QUIT; echo >${ready}; while :; do sleep 1; done`;
  const tnull = startIn({}, '-U', '-', 'size=1', '--no-control', '--run', command);
  await until(() => existsSync(ready));
  tnull.child.kill('SIGTERM');
  expect(await tnull.ended).toMatchObject({ status: 137 });
});
