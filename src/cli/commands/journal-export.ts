/** `tnull journal export FILE --format dm-log-writes OUT`: a journal for other programs. */

import { shown } from '../../config/errors.ts';
import { DM_SECTOR_BYTES, DmExport } from '../../journal/dm-export.ts';
import { encodeSuper } from '../../journal/dm-log.ts';
import type { FileCommand } from '../file-command.ts';
import { OutputFile, reading } from '../files.ts';
import { eachRecord } from '../journal-file.ts';
import { UsageError } from '../usage-error.ts';

const FORMAT = 'dm-log-writes';

export const journalExport: FileCommand = {
  operands: 'FILE OUT',
  summary: "turn a journal into a log of the kernel's dm-log-writes",
  more: "For xfstests' replay-log. What the log has no way to say is in docs/crash.md.\n",
  least: 2,
  most: 2,
  flags: [['--format <format>', `${FORMAT}, the only one (it must be named)`]],
  run({ operands: [path = '', out = ''], flags, streams }) {
    const format = flags['format'];
    if (format !== FORMAT) {
      const given = format === undefined ? 'is missing' : `'${shown(String(format))}'`;
      throw new UsageError(`--format: ${given}: must be ${FORMAT}`);
    }
    let file: OutputFile | undefined;
    let log: DmExport | undefined;
    const header = eachRecord(path, streams, (record, head) => {
      log ??= new DmExport(head);
      file ??= begin(out, path);
      const parts = log.add(record);
      for (const bytes of reading(path, () => [...parts])) file.append(bytes);
    });
    log ??= new DmExport(header);
    file ??= begin(out, path);
    for (const bytes of log.end()) file.append(bytes);
    file.write(0, encodeSuper(log.entries, DM_SECTOR_BYTES));
    file.close();
    return 0;
  },
};

/** Its first sector has the number of entries, which is known at the end. */
function begin(out: string, source: string): OutputFile {
  const file = new OutputFile(out, source);
  file.append(encodeSuper(0, DM_SECTOR_BYTES));
  return file;
}
