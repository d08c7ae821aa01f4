/** The man page tnull(1), in roff: flags, limits, parameters and commands from their tables; the rest
 *  in prose.ts. */

import { defaultText, valueText } from '../../src/config/render.ts';
import { topics } from '../../src/config/rows.ts';
import { prose } from './prose.ts';
import {
  commandWords,
  type FlagWord,
  fileCommandWords,
  limitWords,
  type ParameterWord,
  parameterWords,
  serveFlags,
} from './words.ts';

export function manPage(version: string): string {
  const lines = [
    '.\\" Made by `npm run docs`; do not edit.',
    `.TH TNULL 1 "" "tnull ${version}" "User Commands"`,
    ...section('NAME', ['tnull \\- a null block device in userspace, served over NBD']),
    ...section('SYNOPSIS', synopsis()),
    ...prose.before.flatMap(([title, text]) => section(title, roff(text))),
    ...section('OPTIONS', serveFlags.flatMap(flagLines)),
    ...section('LIMITS', [...roff(prose.limits), ...limitWords.flatMap(flagLines)]),
    ...section('PARAMETERS', [...roff(prose.parameters), ...parameters()]),
    ...section('COMMANDS', [...roff(prose.commands), ...commandWords.flatMap(commandLines)]),
    ...section('COMMANDS FOR FILES', [...roff(prose.fileCommands), ...fileLines()]),
    ...prose.after.flatMap(([title, text]) => section(title, roff(text))),
  ];
  return `${lines.join('\n')}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return [`.SH ${title.includes(' ') ? `"${title}"` : title}`, ...lines];
}

function synopsis(): string[] {
  return [
    '.B tnull',
    '.RI [ serve ]\n.RI [ flags ]\n.RI [ name = value " ...]"',
    '.br\n.B tnull\n.I COMMAND\n.RI [ arguments ]\n.RB [ \\-\\-control',
    '.IR PATH ]\n.RB [ \\-\\-json ]',
  ];
}

function flagLines({ long, short, value, help }: FlagWord): string[] {
  const names = [short, long].filter((name) => name !== undefined).map(bold);
  const shown = value === undefined ? '' : ` ${italic(value.toUpperCase())}`;
  return ['.TP', `${names.join(', ')}${shown}`, line(help)];
}

function parameters(): string[] {
  return topics.flatMap((topic) => {
    const ours = parameterWords.filter(({ row }) => row.topic === topic);
    if (ours.length === 0) return [];
    return [`.SS ${topic.includes(' ') ? `"${topic}"` : topic}`, ...ours.flatMap(parameterLines)];
  });
}

function parameterLines({ name, flag, isBoolean, row }: ParameterWord): string[] {
  const value = italic('N');
  const forms = isBoolean
    ? `${bold(flag)}, ${bold(flag.replace('--', '--no-'))}, ${bold(`${name}=`)}${value}`
    : `${bold(flag)} ${value}, ${bold(`${name}=`)}${value}`;
  const facts = `Default ${defaultText(row)}; ${valueText(row)}.`;
  return ['.TP', forms, `${line(row.help)}.`, line(facts)];
}

function fileLines(): string[] {
  return fileCommandWords.flatMap(({ name, commands }) =>
    commands.flatMap((one) => commandLines({ ...one, name: `${name} ${one.name}` })),
  );
}

function commandLines({ name, operands, summary, flags }: (typeof commandWords)[number]): string[] {
  const shown = operands === '' ? '' : ` ${italic(operands)}`;
  const own = flags.filter(({ long }) => !['--control', '--json', '--help'].includes(long));
  const lines = own.map(({ long, value, help }) => {
    const operand = value === undefined ? '' : ` ${italic(value.toUpperCase())}`;
    return `.br\n${bold(long)}${operand}: ${line(help)}`;
  });
  return ['.TP', `${bold(`tnull ${name}`)}${shown}`, `${line(summary)}.`, ...lines];
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}

/** A line of text: a dot or a quote at its start would be a request. */
function line(text: string): string {
  return escaped(text).replace(/^(?=[.'])/, '\\&');
}

/** Paragraphs with blank lines between them; `code` is bold; indented ones are kept as they are. */
function roff(text: string): string[] {
  return text
    .trim()
    .split(/\n{2,}/)
    .flatMap((paragraph, at) => {
      const begin = at === 0 ? [] : ['.PP'];
      if (!/^ {4}/.test(paragraph)) return [...begin, ...paragraph.split('\n').map(marked)];
      const lines = paragraph.split('\n').map((one) => line(one.replace(/^ {4}/, '')));
      return [...begin, '.RS 4', '.nf', ...lines, '.fi', '.RE'];
    });
}

function marked(text: string): string {
  const [, term, rest] = /^(`[^`]+`): (.*)$/.exec(text) ?? [];
  if (term !== undefined) return `.TP\n${marked(term)}\n${marked(rest ?? '')}`;
  return line(text).replace(/`([^`]+)`/g, '\\fB$1\\fR');
}
