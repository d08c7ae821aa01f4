/** `tnull crash image FILE ID OUT`: one image as a file. */

import { shown } from '../../config/errors.ts';
import { imageParts } from '../../crash/image-bytes.ts';
import { ID_RULE, parseId } from '../../crash/image-id.ts';
import { crashSite } from '../../crash/models.ts';
import type { FileCommand } from '../file-command.ts';
import { OutputFile } from '../files.ts';
import { readCrashLog } from '../journal-file.ts';
import { UsageError } from '../usage-error.ts';

export const crashImage: FileCommand = {
  operands: 'FILE ID OUT',
  summary: 'write one image as a file',
  more: 'ID is a name that tnull crash images lists. OUT has the size of the device; zeros are holes.\n',
  least: 3,
  most: 3,
  run({ operands: [path = '', text = '', out = ''] }) {
    const id = parseId(text);
    if (id === undefined) throw new UsageError(`'${shown(text)}': an id ${ID_RULE}`);
    const { timeline, space } = crashSite(readCrashLog(path), id.model);
    const contents = space.contents(id);
    if (contents === undefined) {
      throw new UsageError(`'${shown(text)}': the journal has no such image`);
    }
    const file = new OutputFile(out, path);
    for (const { offset, bytes } of imageParts(timeline, contents)) file.write(offset, bytes);
    file.setLength(timeline.log.header.size);
    file.close();
  },
};
