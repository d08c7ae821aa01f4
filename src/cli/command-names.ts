/** The names of the commands that talk to a running daemon, in the order of the help. They are apart from the
 *  commands: a start only needs to know that its words are not among them. */

export const commandNames = [
  'ls',
  'create',
  'remove',
  'get',
  'set',
  'zones',
  'stats',
  'requests',
  'clients',
  'faults',
  'log',
  'events',
  'mark',
  'wait',
  'reset',
  'snapshot',
  'snapshots',
  'rollback',
  'clone',
  'diff',
  'destroy',
  'save',
  'cut',
  'attach',
  'detach',
  'page',
] as const;
export type CommandName = (typeof commandNames)[number];

const known: ReadonlySet<string> = new Set(commandNames);

export function isCommandName(text: string): text is CommandName {
  return known.has(text);
}

/** The first words of commands that work on files, without a daemon; the second says what to do. */
export const fileCommandNames = ['crash', 'journal'] as const;
export type FileCommandName = (typeof fileCommandNames)[number];

/** Every first word that does not belong to a start. */
export const allCommandNames: readonly string[] = [...commandNames, ...fileCommandNames, 'help'];

const knownOfFiles: ReadonlySet<string> = new Set(fileCommandNames);

export function isFileCommandName(text: string): text is FileCommandName {
  return knownOfFiles.has(text);
}
