/** The completion for bash; needs nothing but bash. */

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

/** bash cuts words at `=` and `:`; what is typed is looked at whole, and the part that bash keeps is
 *  taken off the answers. */
const BODY = `
_tnull_values() {
  case $1 in
@VALUES@
  esac
}

_tnull_devices() { tnull ls 2>/dev/null | awk 'NR > 1 && $1 ~ /^[[:alnum:]_.-]+$/ { print $1 }'; }

_tnull() {
  local typed=\${COMP_LINE:0:COMP_POINT} cur prev command='' files='' answers='' reply keep
  local -a words
  read -ra words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=('')
  cur=\${words[\${#words[@]} - 1]} prev=\${words[\${#words[@]} - 2]}
  [ \${#words[@]} -gt 2 ] && command=\${words[1]}
  case $prev in
@FLAGVALUES@
    *)
      if [[ $cur == ?*=* ]]; then
        answers=$(_tnull_values "\${cur%%=*}")
        answers=\${answers:+$(printf -- "\${cur%%=*}=%s " $answers)}
      else
        case $command in
@COMMANDS@
          *)
            if [[ $cur == -* ]]; then
              answers='@FLAGS@'
            else
              answers='@WORDS@'
              [ -n "$command" ] || answers+=' serve help @NAMES@'
            fi
            ;;
        esac
      fi
      ;;
  esac
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$answers" -- "$cur")
  [ \${#COMPREPLY[@]} = 1 ] && [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  if [[ $cur == *[=:]* && $COMP_WORDBREAKS == *=* ]]; then
    keep=\${cur%"\${cur##*[=:]}"}
    for reply in "\${!COMPREPLY[@]}"; do COMPREPLY[reply]=\${COMPREPLY[reply]#"$keep"}; done
  fi
}
complete -F _tnull tnull
`;

export function bashCompletion(): string {
  const valued = parameterWords.filter(({ choices }) => choices.length > 0);
  const values = valued.map(({ name, flag, choices }) => {
    return `    ${name} | ${flag}) echo '${choices.join(' ')}' ;;`;
  });
  const all = [...serveFlags, ...limitWords];
  const ofFiles = fileCommandWords.flatMap(({ commands }) =>
    commands.flatMap(({ flags }) => flags),
  );
  const flagNames = [
    ...all.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long])),
    ...parameterWords.flatMap(({ flag, isBoolean }) =>
      isBoolean ? [flag, flag.replace('--', '--no-')] : [flag],
    ),
  ];
  const parts: Readonly<Record<string, string>> = {
    VALUES: values.join('\n'),
    FLAGVALUES: flagValues([...all, ...ofFiles]).join('\n'),
    COMMANDS: [...commandWords.map(commandCase), ...fileCommandWords.map(fileCase)].join('\n'),
    FLAGS: flagNames.join(' '),
    WORDS: parameterWords.map(({ name }) => `${name}=`).join(' '),
    NAMES: [...commandWords, ...fileCommandWords].map(({ name }) => name).join(' '),
  };
  const body = BODY.replace(/@([A-Z]+)@/g, (_, name: string) => parts[name] ?? '');
  return `# Completion of tnull for bash. Made by \`npm run docs\`; do not edit.\n${body}`;
}

/** What can stand behind a flag that takes a value. */
function flagValues(all: readonly FlagWord[]): string[] {
  const flags = [
    ...all
      .filter(({ value }) => value !== undefined)
      .map(({ long, short, isPath, choices }) => ({
        name: short === undefined ? long : `${short} | ${long}`,
        what: isPath ? 'files=1' : answers(choices),
      })),
    ...parameterWords
      .filter(({ isBoolean }) => !isBoolean)
      .map(({ flag, choices }) => ({ name: flag, what: answers(choices) })),
  ];
  const whats = new Set(flags.map(({ what }) => what));
  return [...whats].map((what) => {
    const names = flags.filter((flag) => flag.what === what).map(({ name }) => name);
    return `    ${names.join(' | ')}) ${what} ;;`;
  });
}

function answers(choices: readonly string[]): string {
  return choices.length === 0 ? ':' : `answers='${choices.join(' ')}'`;
}

function commandCase({ name, operands, flags }: (typeof commandWords)[number]): string {
  const own = flags.map(({ long }) => long).join(' ');
  const attributes = operands.includes('attribute=value');
  const named = `\${#words[@]} = 3`;
  const operand = attributes
    ? `answers='${attributeNames.map((one) => `${one}=`).join(' ')}'`
    : `answers='${(operations[name] ?? []).join(' ')}${
        name === 'get' ? attributeNames.join(' ') : ''
      }'`;
  const device = name === 'create' ? ':' : 'answers=$(_tnull_devices)';
  const first = operands === '' ? ':' : device;
  return [
    `          ${name})`,
    `            if [[ $cur == -* ]]; then answers='${own}'`,
    `            elif [ ${named} ]; then ${first}`,
    `            else ${operand}; fi`,
    '            ;;',
  ].join('\n');
}

function fileCase({ name, commands }: (typeof fileCommandWords)[number]): string {
  const flags = new Set(commands.flatMap(({ flags }) => flags.map(({ long }) => long)));
  return [
    `          ${name})`,
    `            if [[ $cur == -* ]]; then answers='${[...flags].join(' ')}'`,
    `            elif [ \${#words[@]} = 3 ]; then answers='${commands.map((one) => one.name).join(' ')}'`,
    '            else files=1; fi',
    '            ;;',
  ].join('\n');
}
