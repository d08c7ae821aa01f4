/** `tnull crash image FILE ID OUT`: one image as a file. */

import { imageParts } from '../../crash/image-bytes.ts';
import { openImage } from '../crash/opened.ts';
import type { FileCommand } from '../file-command.ts';
import { OutputFile } from '../files.ts';

export const crashImage: FileCommand = {
  operands: 'FILE ID OUT',
  summary: 'write one image as a file',
  more: 'ID is a name that tnull crash images lists. OUT has the size of the device; zeros are holes.\n',
  least: 3,
  most: 3,
  run({ operands: [path = '', text = '', out = ''], streams }) {
    const { site, contents } = openImage(path, text, streams);
    const { timeline } = site;
    const file = new OutputFile(out, path);
    for (const { offset, bytes } of imageParts(timeline, contents)) file.write(offset, bytes);
    file.setLength(timeline.log.header.size);
    file.close();
    return 0;
  },
};
