/** Words of commands as a shell takes them: what is printed to be typed again works as it stands. */

/** @returns `word` as one word of a command, in quotes if the shell would take it for more. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** @returns the command that these words make. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
