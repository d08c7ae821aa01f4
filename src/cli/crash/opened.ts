/** A journal and one of its images, as operands of a command name them. */

import { resolve } from 'node:path';
import { shown } from '../../config/errors.ts';
import { ID_RULE, type ImageId, parseId } from '../../crash/image-id.ts';
import { ImageSource } from '../../crash/image-source.ts';
import { type CrashSite, crashSite } from '../../crash/models.ts';
import { readCrashLog } from '../journal-file.ts';
import type { Streams } from '../process-end.ts';
import { UsageError } from '../usage-error.ts';

export interface OpenedImage {
  /** The whole path. */
  readonly journal: string;
  readonly id: ImageId;
  readonly site: CrashSite;
  readonly source: ImageSource;
  /** Of each cell. */
  readonly contents: Int32Array;
}

/** @throws UsageError, StartError in one line. */
export function openImage(path: string, text: string, streams: Streams): OpenedImage {
  const id = parseId(text);
  if (id === undefined) throw new UsageError(`'${shown(text)}': an id ${ID_RULE}`);
  const site = crashSite(readCrashLog(path, streams), id.model);
  const source = new ImageSource(site, id.model);
  const contents = source.contents(id);
  if (contents === undefined) {
    throw new UsageError(`'${shown(text)}': the journal has no such image`);
  }
  return { journal: resolve(path), id, site, source, contents };
}
