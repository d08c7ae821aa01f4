/** Words of commands as a shell takes them: what is printed to be typed again works as it stands. */

/** @returns `word` as one word of a command, in quotes if the shell would take it for more. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** @returns the command of `tnull` that these words make. Words that begin like flags stay words.
 *  @param flags of the command. */
export function tnullCommand(
  [command = '', ...operands]: readonly string[],
  flags: readonly string[] = [],
): string {
  if (!operands.some((word) => word.startsWith('-'))) {
    return shellCommand('tnull', command, ...operands, ...flags);
  }
  return shellCommand('tnull', command, ...flags, '--', ...operands);
}

/** @returns the command that these words make. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
