/** The commands for files, by their two words. Source: docs/crash.md, Commands. */

import type { FileCommandName } from './command-names.ts';
import { crashImage } from './commands/crash-image.ts';
import { crashImages } from './commands/crash-images.ts';
import { journalExport } from './commands/journal-export.ts';
import { journalImport } from './commands/journal-import.ts';
import type { FileCommand } from './file-command.ts';

type Commands = ReadonlyMap<string, FileCommand>;

export const fileCommands: ReadonlyMap<FileCommandName, Commands> = new Map([
  [
    'crash',
    new Map([
      ['images', crashImages],
      ['image', crashImage],
    ]),
  ],
  [
    'journal',
    new Map([
      ['export', journalExport],
      ['import', journalImport],
    ]),
  ],
]);
