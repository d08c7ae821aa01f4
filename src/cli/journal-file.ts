/** A journal in a file. */

import { type CrashLog, LogBuilder } from '../crash/log.ts';
import { JournalDecoder } from '../journal/decoder.ts';
import type { JournalHeader, JournalRecord } from '../journal/format.ts';
import { piecesOf, reading } from './files.ts';

/** Each record of the journal, with its header. @throws StartError in one line. */
export function eachRecord(
  path: string,
  use: (record: JournalRecord, header: JournalHeader) => void,
): JournalHeader {
  return reading(path, () => {
    const decoder = new JournalDecoder();
    for (const piece of piecesOf(path)) {
      for (const record of decoder.push(piece)) use(record, decoder.header);
    }
    decoder.end();
    return decoder.header;
  });
}

/** @throws StartError in one line. */
export function readCrashLog(path: string): CrashLog {
  const builder = new LogBuilder();
  const header = eachRecord(path, (record) => reading(path, () => builder.add(record)));
  return builder.finish(header);
}
