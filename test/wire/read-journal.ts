/** The journal of a device of this process, as it is now. */

import { LogBuilder } from '../../src/crash/log.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import type { JournalRecord } from '../../src/journal/format.ts';

export function read(daemon: Daemon) {
  const decoder = new JournalDecoder();
  const builder = new LogBuilder();
  const records: JournalRecord[] = [];
  for (const part of daemon.journal('nullb0')) {
    for (const record of decoder.push(part)) {
      builder.add(record);
      records.push(record);
    }
  }
  decoder.end();
  return { header: decoder.header, records, log: builder.finish(decoder.header) };
}
