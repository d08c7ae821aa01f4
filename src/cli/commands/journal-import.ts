/** `tnull journal import IN OUT`: a log of dm-log-writes as a journal. */

import { shown } from '../../config/errors.ts';
import { DmImport, importedHeader } from '../../journal/dm-import.ts';
import { type DmEntry, DmFlag, DmLogDecoder } from '../../journal/dm-log.ts';
import { encodeHeader, encodeRecord } from '../../journal/encoder.ts';
import type { FileCommand } from '../file-command.ts';
import { OutputFile, piecesOf, reading } from '../files.ts';
import { StartError } from '../usage-error.ts';

function eachEntry(path: string, use: (entry: DmEntry) => void): number {
  return reading(path, () => {
    const decoder = new DmLogDecoder();
    for (const piece of piecesOf(path)) {
      for (const entry of decoder.push(piece)) use(entry);
    }
    decoder.end();
    return decoder.sectorBytes;
  });
}

export const journalImport: FileCommand = {
  operands: 'IN OUT',
  summary: "make a journal of a log of the kernel's dm-log-writes",
  more:
    'Each entry is taken as arrived and answered at its place. The device is as large as what the log\n' +
    'writes to, and was zeros before.\n',
  least: 2,
  most: 2,
  run({ operands: [path = '', out = ''] }) {
    // The header comes first and has the size, so the log is read twice.
    let end = 0;
    const sectorBytes = eachEntry(path, ({ sector, sectors, flags }) => {
      if ((flags & DmFlag.mark) === 0) end = Math.max(end, sector + sectors);
    });
    if (!Number.isSafeInteger(end * sectorBytes)) {
      throw new StartError(`${shown(path)}: writes beyond 2^53 bytes`);
    }
    const file = new OutputFile(out, path);
    file.append(encodeHeader(importedHeader(sectorBytes, end)));
    const journal = new DmImport(sectorBytes);
    eachEntry(path, (entry) => {
      for (const record of journal.records(entry)) {
        file.append(encodeRecord(record));
        file.append(record.payload);
      }
    });
    file.close();
    return 0;
  },
};
