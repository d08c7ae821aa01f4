/** The completion for fish. */

import {
  attributeNames,
  commandWords,
  type FlagWord,
  fileCommandWords,
  limitWords,
  operations,
  parameterWords,
  serveFlags,
} from './words.ts';

const NAMES = [...commandWords, ...fileCommandWords].map(({ name }) => name).join(' ');
const SERVING = `not __fish_seen_subcommand_from ${NAMES}`;

export function fishCompletion(): string {
  const lines = [
    '# Completion of tnull for fish. Made by `npm run docs`; do not edit.',
    "function __tnull_devices; tnull ls 2>/dev/null | awk 'NR > 1 { print $1 }'; end",
    'complete -c tnull -f',
    line('__fish_use_subcommand', `-a serve -d ${quoted('start the daemon')}`),
    line('__fish_use_subcommand', `-a help -d ${quoted('explain a command')}`),
    ...commandWords.map(({ name, summary }) =>
      line('__fish_use_subcommand', `-a ${name} -d ${quoted(summary)}`),
    ),
    ...fileCommandWords.map(({ name, commands }) => {
      const help = commands.map((one) => one.name).join(', ');
      return line('__fish_use_subcommand', `-a ${name} -d ${quoted(`${help} (files)`)}`);
    }),
    ...[...serveFlags, ...limitWords].map((flag) => line(SERVING, flagWords(flag))),
  ];
  for (const { name, flag, isBoolean, choices, row } of parameterWords) {
    const long = flag.slice(2);
    const help = `-d ${quoted(row.help)}`;
    const values = choices.length > 0 ? ` -a ${quoted(choices.join(' '))}` : '';
    lines.push(line(SERVING, `-l ${long}${isBoolean ? '' : ` -x${values}`} ${help}`));
    if (isBoolean) lines.push(line(SERVING, `-l no-${long} -d ${quoted(`${flag}=0`)}`));
    lines.push(line(SERVING, `-a ${quoted(`${name}=`)} ${help}`));
  }
  for (const command of commandWords) lines.push(...commandLines(command));
  for (const command of fileCommandWords) lines.push(...fileLines(command));
  return `${lines.join('\n')}\n`;
}

function commandLines({ name, operands, flags }: (typeof commandWords)[number]): string[] {
  const here = `__fish_seen_subcommand_from ${name}`;
  const lines = flags.map((flag) => line(here, flagWords(flag)));
  if (operands !== '' && name !== 'create') lines.push(line(here, `-a '(__tnull_devices)'`));
  const attributes = operands.includes('attribute=value');
  if (attributes || name === 'get') {
    const words = attributeNames.map((one) => (attributes ? `${one}=` : one));
    lines.push(line(here, `-a ${quoted(words.join(' '))}`));
  }
  const behind = operations[name];
  if (behind !== undefined) lines.push(line(here, `-a ${quoted(behind.join(' '))}`));
  return lines;
}

function fileLines({ name, commands }: (typeof fileCommandWords)[number]): string[] {
  const here = `__fish_seen_subcommand_from ${name}`;
  const seconds = commands.map((one) => one.name).join(' ');
  const none = `${here}; and not __fish_seen_subcommand_from ${seconds}`;
  return [
    ...commands.map((one) => line(none, `-a ${one.name} -d ${quoted(one.summary)}`)),
    line(`${here}; and __fish_seen_subcommand_from ${seconds}`, '-F'),
    ...new Set(commands.flatMap((one) => one.flags.map((flag) => line(here, flagWords(flag))))),
  ];
}

function line(condition: string, words: string): string {
  return `complete -c tnull -n ${quoted(condition)} ${words}`;
}

function flagWords({ long, short, value, isPath, choices, help }: FlagWord): string {
  const name = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)}`;
  const values = choices.length > 0 ? ` -a ${quoted(choices.join(' '))}` : '';
  const kind = value === undefined ? '' : isPath ? ' -r -F' : ` -x${values}`;
  return `${name}${kind} -d ${quoted(help)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
