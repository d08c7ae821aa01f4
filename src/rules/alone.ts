/** The words of a rule that may stand without a value on the command line, and what they mean then.
 *  Apart from the table of words, which commands that talk to a daemon do not load.
 *  Source: faults.md section 1 (Action). */

export const alone: ReadonlyMap<string, string> = new Map([
  ['lose', '1'],
  ['lie', '1'],
  ['stale', '1'],
]);
