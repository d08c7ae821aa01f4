/** The console blocks of a document as a user would type them: one shell, in order, with the output. */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { folder } from '../folder.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
const examples = new URL('../../examples', import.meta.url).pathname;

export interface Typed {
  readonly command: string;
  /** The output in the document, stderr included. */
  readonly told: string;
}

/** Every `$ command` of the document's console blocks, with the lines that follow it. A command that
 *  ends with a backslash goes on in the next line. */
export function commandsOf(markdown: string): Typed[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = '']) => text);
  return blocks.flatMap((block) =>
    block.split(/^\$ /m).flatMap((part) => {
      const [, command, told = ''] = /^((?:[^\n]*\\\n)*[^\n]*)\n(.*)$/s.exec(part) ?? [];
      return command === undefined ? [] : [{ command, told }];
    }),
  );
}

/** Runs all commands in one shell. What is started with `&` serves before the next command begins,
 *  and is stopped at the end. @param search where programs are looked for. @returns what each said. */
export async function typeAll(
  commands: readonly Typed[],
  search = process.env['PATH'],
): Promise<string[]> {
  const home = folder();
  const bin = join(home, 'bin');
  mkdirSync(bin);
  symlinkSync(program, join(bin, 'tnull'));
  // A document may say `examples/...`, as in a checkout.
  symlinkSync(examples, join(home, 'examples'));
  const script = [
    "trap 'kill $(jobs -p); wait' EXIT",
    'cd "$XDG_RUNTIME_DIR"',
    ...commands.map(({ command }, at) => {
      const runs = `{ ${command}\n} > "$XDG_RUNTIME_DIR/${at}" 2>&1`;
      // Its own words are the ready line and the log.
      if (!/&( *#.*)?$/.test(command)) return runs;
      return `{ ${command}\n} >> daemon 2>&1\nuntil tnull ls > /dev/null 2>&1; do kill -0 $! || exit; done`;
    }),
  ];
  const file = join(home, 'script');
  writeFileSync(file, script.join('\n'));
  const path = `${bin}:${dirname(process.execPath)}:${search}`;
  const env = { ...process.env, XDG_RUNTIME_DIR: home, PATH: path };
  const shell = spawn('bash', [file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  shell.stdout.on('data', (data) => (said += data));
  shell.stderr.on('data', (data) => (said += data));
  onTestFinished(() => void shell.kill());
  const status = await new Promise((resolve) => shell.once('close', resolve));
  return commands.map((_, at) => {
    try {
      return readFileSync(join(home, String(at)), 'utf8');
    } catch {
      return /&( *#.*)?$/.test(commands[at]?.command ?? '') ? '' : `not run: ${status} ${said}`;
    }
  });
}

/** True when `said` is what `told` shows. Times differ, and with them the width of their columns; `...`
 *  stands for anything in a line. */
export function isAsTold(said: string, told: string): boolean {
  const pattern = timeless(told)
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    // A line of its own stands for any number of lines.
    .replace(/^ *\\\.\\\.\\\.\n/gm, '(?:.*\\n)*')
    .replaceAll('\\.\\.\\.', '.*');
  return new RegExp(`^${pattern}$`).test(timeless(said));
}

function timeless(text: string): string {
  // Answers of the API have no line end of their own.
  const lines = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return lines.replace(/\b[\d.]+ (ns|us|ms|s)\b/g, 'TIME').replace(/ +/g, ' ');
}
