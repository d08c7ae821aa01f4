/** A journal in a file. */

import { shown } from '../config/errors.ts';
import { type CrashLog, LogBuilder } from '../crash/log.ts';
import { JournalDecoder } from '../journal/decoder.ts';
import type { JournalHeader, JournalRecord } from '../journal/format.ts';
import { piecesOf, reading } from './files.ts';
import type { Streams } from './process-end.ts';

/** Each record of the journal, with its header. A file that ends within a record is told of. @throws StartError in one line. */
export function eachRecord(
  path: string,
  { stderr }: Pick<Streams, 'stderr'>,
  use: (record: JournalRecord, header: JournalHeader) => void,
): JournalHeader {
  return reading(path, () => {
    const decoder = new JournalDecoder();
    for (const piece of piecesOf(path)) {
      for (const record of decoder.push(piece)) use(record, decoder.header);
    }
    const cut = decoder.end();
    // Its writer was killed, or the disk was full: what was there by then is a journal.
    if (cut !== undefined) stderr.write(`tnull: ${shown(path)}: ${cut}\n`);
    return decoder.header;
  });
}

/** @throws StartError in one line. */
export function readCrashLog(path: string, streams: Pick<Streams, 'stderr'>): CrashLog {
  const builder = new LogBuilder();
  const header = eachRecord(path, streams, (record) => reading(path, () => builder.add(record)));
  return builder.finish(header);
}
