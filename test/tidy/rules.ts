/** The rules for sources that no linter knows, each as a function from a file to its violations. */

import { importsOf } from '../../scripts/import-graph.js';

export interface SourceFile {
  /** From the root of the checkout, with slashes. */
  readonly path: string;
  readonly text: string;
}

const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

/** Longer than they should be, and why. */
const longFiles: ReadonlyMap<string, string> = new Map([
  ['src/config/parameters.ts', 'a table: one row for each parameter'],
  ['src/client/made/answers.ts', 'made from the calls: one type for each answer'],
]);
const LONG_FILE_LINES_MAX = 520;

export function tooLong({ path, text }: SourceFile): string[] {
  const lines = text.split('\n').length - 1;
  const most = longFiles.has(path) ? LONG_FILE_LINES_MAX : LINES_MAX;
  return lines > most ? [`${path}: ${lines} lines, at most ${most}`] : [];
}

/** A function, a method or a named arrow function, whose head may go on in the next lines. */
const FUNCTION =
  /^( *)(?:export )?(?:default )?(?:async )?(?:function\*? |const (?=\w+ = (?:async )?\(.*=> \{$)|(?:static |async |get |set |override )*(?=[*#\w]+\())/;

/** Functions and methods by their indentation, which the formatter guarantees. */
export function longFunctions({ path, text }: SourceFile): string[] {
  const found: string[] = [];
  const lines = text.split('\n');
  for (const [at, line] of lines.entries()) {
    const indent = FUNCTION.exec(line)?.[1];
    if (indent === undefined) continue;
    const opens = line.endsWith('(') ? closingParenthesis(lines, at, indent) : line;
    if (!opens.endsWith('{')) continue;
    const end = lines.findIndex((other, i) => i > at && /^\};?$/.test(dedent(other, indent)));
    if (end - at > FUNCTION_LINES_MAX) found.push(`${path}:${at + 1}: ${end - at} lines`);
  }
  return found;
}

/** The line that ends the parameters which begin at `at`. */
function closingParenthesis(lines: readonly string[], at: number, indent: string): string {
  return lines.slice(at + 1).find((line) => dedent(line, indent).startsWith(')')) ?? '';
}

function dedent(line: string, indent: string): string {
  return line.startsWith(indent) ? line.slice(indent.length) : line;
}

export function leftOvers({ path, text }: SourceFile): string[] {
  const marks = new RegExp(
    `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`,
  );
  return text
    .split('\n')
    .flatMap((line, at) => (marks.test(line) ? [`${path}:${at + 1}: ${line}`] : []));
}

/** A number means nothing to a reader who has no list of them: name the thing. */
export function numberedReferences({ path, text }: SourceFile): string[] {
  const number = /\b(?:issue|trap)s? #?\d|(?:^|[\s(])#\d+\b/i;
  return text
    .split('\n')
    .flatMap((line, at) => (number.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : []));
}

/** A file says first what it is for. */
export function undocumented({ path, text }: SourceFile): string[] {
  return /^(#!.*\n)?\/\*\*/.test(text) ? [] : [`${path}: does not begin with what it is for`];
}

/** A cast says beside it why it is true. `as const` and renaming imports are no casts. */
export function unexplainedCasts({ path, text }: SourceFile): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const code = line.replace(/\/\/.*$/, '').replace(/'[^']*'|`[^`]*`/g, '');
    if (/^\s*(\*|\/\*)|^\s*(import|export) /.test(code)) return [];
    if (!/ as (?!const\b)[A-Z{(\w]/.test(code)) return [];
    const explained = line.includes('//') || (lines[at - 1] ?? '').trim().startsWith('//');
    return explained ? [] : [`${path}:${at + 1}: ${line.trim()}`];
  });
}

/** The code alone: no comments, and no words of texts. */
function codeOf(line: string): string {
  if (/^\s*(\*|\/\*)/.test(line)) return '';
  return line.replace(/'[^']*'|`[^`]*`/g, "''").replace(/\/\/.*$|\/\*.*?\*\//g, '');
}

function matching({ path, text }: SourceFile, pattern: RegExp): string[] {
  return text
    .split('\n')
    .flatMap((line, at) => (pattern.test(codeOf(line)) ? [`${path}:${at + 1}: ${line}`] : []));
}

/** `any` switches the compiler off: `unknown` and a check instead. */
export function anys(file: SourceFile): string[] {
  return matching(file, /(?::|<|\||&|\bas|,|=)\s*any\b(?!\s*[:(=])|\bany\[\]/);
}

/** `x!` hides an undefined: narrow it, or handle its absence. */
export function nonNulls(file: SourceFile): string[] {
  // \x21 is the mark itself, so that this line does not find itself.
  return matching(file, /[\w)\]]\x21(?![=\w])/);
}

/** Only these files end the process and write standard output and error: elsewhere output would be cut off,
 *  or waited for. Node's own streams, also of standard input, change the flags of descriptions that other
 *  processes share. */
const PROCESS_END = 'src/cli/process-end.ts';

export function processEnds(file: SourceFile): string[] {
  // There, too, Node's own streams are replaced by others: what is written to them goes elsewhere.
  if (file.path === PROCESS_END) return matching(file, /\bprocess\.(?:stdin|stdout|stderr)\b/);
  const found = matching(
    file,
    /\bprocess\.(?:exit(?:Code)?|reallyExit|abort|stdin|stdout|stderr)\b|\bconsole\./,
  );
  return found.map((one) => `${one.trim()} (use ${PROCESS_END} or standard-input.ts)`);
}

/** Only this file knows how Node keeps a socket's handle. */
const NODE_HANDLE = 'src/server/node-handle.ts';

export function nodeHandles(file: SourceFile): string[] {
  if (file.path === NODE_HANDLE) return [];
  return matching(file, /\b_handle\b/).map((one) => `${one.trim()} (use ${NODE_HANDLE})`);
}

/** Who else makes temporary folders, and removes them however it ends. Tests: test/run-folder.ts. */
const makersOfFolders: readonly string[] = [
  'src/cli/private-socket.ts',
  'src/threads/hand-over.ts',
  'bench/src/main.ts',
  'test/run-folder.ts',
  'packages/nbd-server-protocol-ts/test/folder.ts',
];

/** What a test leaves behind, thousands of runs leave behind. */
export function temporaryFolders(file: SourceFile): string[] {
  if (makersOfFolders.includes(file.path)) return [];
  const found = matching(file, /\b(?:mkdtempSync|mkdtemp|tmpdir)\(/);
  return found.map(
    (one) => `${one.trim()} (use folder() of test/folder.ts, or test/run-folder.ts)`,
  );
}

/** Test files share a process, which loads a helper once: its hooks are those of the first file alone. */
export function hooksOfHelpers(file: SourceFile): string[] {
  if (/\.(test|oracle)\.ts$/.test(file.path)) return [];
  const found = matching(file, /^(?:before|after)(?:Each|All)\(/);
  return found.map((one) => `${one.trim()} (use onTestFinished where the test begins it)`);
}

/** A busy machine takes longer than a part of a second for anything. */
export function shortLimits(file: SourceFile): string[] {
  const found = matching(file, /\b(?:handshake|idle|stall)Time: 0?\.\d/);
  return found.map((one) => `${one.trim()} (use inStillTime of test/still-time.ts)`);
}

/** Tests have the time that a busy machine needs: none has less than the others. */
export function shortTests(file: SourceFile): string[] {
  const found = matching(
    file,
    /^ *\}, (?:[12]?\d)?\d_000\);|\b(?:test|hook)Timeout: (?:[12]?\d)?\d_000,/,
  );
  return found.map((one) => `${one.trim()} (leave the limit to vitest's configuration: 300 s)`);
}

/** Timers that a test moves go on when it is over, also when it fails. */
export function movedTimers(file: SourceFile): string[] {
  if (file.path === 'test/still-time.ts' || !file.path.startsWith('test/')) return [];
  const found = matching(file, /\bvi\.useFakeTimers\(/);
  return found.map((one) => `${one.trim()} (use inStillTime of test/still-time.ts)`);
}

/** One grammar of numbers, whoever reads them. */
const NUMBERS = 'src/config/numbers.ts';

export function numberGrammars(file: SourceFile): string[] {
  if (file.path === NUMBERS) return [];
  return matching(file, /0\[(?:xX|0-7)\]/).map((one) => `${one.trim()} (use ${NUMBERS})`);
}

/** `It is no number` stops a reader whose first language is another: `it is not a number`. */
export function negations({ path, text }: SourceFile): string[] {
  const texts = /'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g;
  const negation = /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more\b)/i;
  return text.split('\n').flatMap((line, at) => {
    if (/^\s*(?:\*|\/\*|\/\/)/.test(line)) return [];
    const found = (line.match(texts) ?? []).some((one) => negation.test(one));
    return found ? [`${path}:${at + 1}: ${line.trim()} (write: is not a ...)`] : [];
  });
}

/** What the files of a folder of src/ may import: other folders of src/, and packages. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  units: [],
  time: ['units'],
  pages: ['units'],
  block: ['time', 'pages', 'units'],
  direct: ['block', 'pages', 'units'],
  rules: ['block', 'config', 'pages', 'units'],
  driver: ['rules', 'direct', 'block', 'config', 'time', 'pages', 'units'],
  export: ['block', 'time', 'pages', 'units', 'nbd-server-protocol-ts'],
  server: [
    ...['export', 'time', 'pages', 'units', 'nbd-server-protocol-ts'],
    ...['node:net', 'node:fs', 'node:path', 'node:tls', 'node:crypto', 'node:stream'],
    'node:child_process',
  ],
  config: ['units'],
  journal: ['units'],
  client: ['node:'],
  page: ['client', 'config', 'preact', 'preact/hooks', 'uplot'],
  crash: ['journal', 'units'],
  // Of block/ it knows the statuses: what a device answers is told as an errno.
  control: ['driver', 'rules', 'config', 'block', 'time', 'units', 'fastify', 'node:'],
  threads: [
    ...['server', 'export', 'direct', 'time', 'pages', 'units', 'nbd-server-protocol-ts'],
    ...['node:net', 'node:fs', 'node:os', 'node:path', 'node:v8', 'node:vm'],
    'node:worker_threads',
  ],
  daemon: [
    ...[
      'control',
      'threads',
      'server',
      'export',
      'driver',
      'rules',
      'crash',
      'direct',
      'config',
      'time',
      'pages',
    ],
    'units',
    ...['nbd-server-protocol-ts', 'pino', 'pino-pretty', 'node:'],
  ],
  cli: [
    ...['daemon', 'rules', 'config', 'server', 'client', 'crash', 'journal', 'units'],
    ...['commander', 'nbd-server-protocol-ts', 'node:'],
  ],
};

/** Data flows one way, and only the edges of the program know libraries and the system. */
export function wrongImports({ path, text }: SourceFile): string[] {
  const folder = /^src\/(\w+)/.exec(path)?.[1] ?? '';
  const allowed = mayImport[folder];
  if (allowed === undefined) return [`${path}: a folder without import rules`];
  const imports = importsOf(text);
  return imports.flatMap((from) => {
    const target = from.startsWith('.') ? targetFolder(path, from) : from;
    const fine =
      target === folder ||
      allowed.some((one) => target === one || (one.endsWith(':') && target.startsWith(one)));
    return fine ? [] : [`${path}: may not import ${from}`];
  });
}

/** The protocol's package stands for itself: it imports its own files and nothing else. */
export function packageImports({ path, text }: SourceFile): string[] {
  return importsOf(text)
    .filter((from) => !/^\.\/[\w-]+\.ts$/.test(from))
    .map((from) => `${path}: may not import ${from}`);
}

function targetFolder(path: string, from: string): string {
  const { pathname } = new URL(from, `file:///${path}`);
  return /^\/src\/(\w+)/.exec(pathname)?.[1] ?? pathname;
}
