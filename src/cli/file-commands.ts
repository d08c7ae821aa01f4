/** The commands for files, by their two words. Source: docs/crash.md, Commands. */

import type { FileCommandName } from './command-names.ts';
import { crashExplore } from './commands/crash-explore.ts';
import { crashImage } from './commands/crash-image.ts';
import { crashImages } from './commands/crash-images.ts';
import { crashRecord } from './commands/crash-record.ts';
import { crashServe } from './commands/crash-serve.ts';
import { crashShrink } from './commands/crash-shrink.ts';
import { journalExport } from './commands/journal-export.ts';
import { journalImport } from './commands/journal-import.ts';
import { journalSave } from './commands/journal-save.ts';
import type { FileCommand } from './file-command.ts';

type Commands = ReadonlyMap<string, FileCommand>;

export const fileCommands: ReadonlyMap<FileCommandName, Commands> = new Map([
  [
    'crash',
    new Map([
      ['record', crashRecord],
      ['explore', crashExplore],
      ['images', crashImages],
      ['image', crashImage],
      ['serve', crashServe],
      ['shrink', crashShrink],
    ]),
  ],
  [
    'journal',
    new Map([
      ['export', journalExport],
      ['import', journalImport],
      ['save', journalSave],
    ]),
  ],
]);
