/** The completion for zsh: a file `_tnull` for a folder of fpath. */

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

export function zshCompletion(): string {
  const flags = [
    ...[...serveFlags, ...limitWords].flatMap(flagLines),
    ...parameterWords.flatMap(({ flag, isBoolean, choices, row }) => {
      const values = choices.length > 0 ? `(${choices.join(' ')})` : '';
      if (!isBoolean) return [`'*${flag}=[${escaped(row.help)}]:value:${values}'`];
      const off = flag.replace('--', '--no-');
      return [`'*${flag}=-[${escaped(row.help)}]::value:(0 1)'`, `'*${off}[${flag}=0]'`];
    }),
  ];
  const words = parameterWords.map(({ name, row }) => `'${name}:${escaped(row.help)}'`);
  const commands = [
    ...commandWords.map(({ name, summary }) => `'${name}:${escaped(summary)}'`),
    ...fileCommandWords.map(({ name, commands: all }) => {
      return `'${name}:${all.map((one) => one.name).join(', ')} (files, without a daemon)'`;
    }),
  ];
  return `#compdef tnull
# Completion of tnull for zsh. Made by \`npm run docs\`; do not edit.

_tnull_devices() {
  local -a devices
  devices=(\${(f)"$(tnull ls 2>/dev/null | awk 'NR > 1 { print $1 }')"})
  compadd -a devices
}

_tnull_attributes() {
  compadd -S '=' -- ${attributeNames.join(' ')}
}

_tnull_words() {
  local -a words commands
  if compset -P '*='; then
    case \${IPREFIX%=} in
${parameterWords
  .filter(({ choices }) => choices.length > 0)
  .map(({ name, choices }) => `      ${name}) compadd -- ${choices.join(' ')} ;;`)
  .join('\n')}
    esac
    return
  fi
  words=(
    ${words.join('\n    ')}
  )
  _describe -t parameters parameter words -S '='
  (( CURRENT == 2 )) || return
  commands=(
    'serve:start the daemon'
    'help:explain a command'
    ${commands.join('\n    ')}
  )
  _describe -t commands command commands
}

_tnull() {
  case $words[2] in
${[...commandWords.map(commandCase), ...fileCommandWords.map(fileCase)].join('\n')}
    *)
      _arguments \\
        ${flags.join(' \\\n        ')} \\
        '*: :_tnull_words'
      ;;
  esac
}

_tnull "$@"
`;
}

function flagLines({ long, short, value, isPath, choices, help }: FlagWord): string[] {
  const names = short === undefined ? [long] : [short, long];
  return names.map((name) => {
    const text = `[${escaped(help)}]`;
    if (value === undefined) return `'${name}${text}'`;
    const action = isPath ? '_files' : choices.length > 0 ? `(${choices.join(' ')})` : '';
    return `'*${name}${name.startsWith('--') ? '=' : '+'}${text}:${value}:${action}'`;
  });
}

function commandCase({ name, operands, flags }: (typeof commandWords)[number]): string {
  const first = name === 'create' ? "'2:name:'" : "'2:device:_tnull_devices'";
  const rest = operands.includes('attribute=value')
    ? ["'*: :_tnull_attributes'"]
    : name in operations
      ? [
          `'3:operation:(${operations[name]?.join(' ')})'`,
          `'4:${name === 'zones' ? 'sector' : 'word'}:'`,
        ]
      : name === 'get'
        ? [`'3:attribute:(${attributeNames.join(' ')})'`]
        : [];
  const lines = [
    "'1: :'",
    ...(operands === '' ? [] : [first]),
    ...rest,
    ...flags.flatMap(flagLines),
  ];
  return `    ${name})\n      _arguments ${lines.join(' \\\n        ')}\n      ;;`;
}

function fileCase({ name, commands }: (typeof fileCommandWords)[number]): string {
  const flags = new Set(commands.flatMap((one) => one.flags.flatMap(flagLines)));
  const lines = [
    "'1: :'",
    `'2:command:(${commands.map((one) => one.name).join(' ')})'`,
    "'*:file:_files'",
    ...flags,
  ];
  return `    ${name})\n      _arguments ${lines.join(' \\\n        ')}\n      ;;`;
}

/** For a text between brackets or behind a colon, in single quotes. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''");
}
