/** Who started us may wait for a line on a file descriptor. Source: test-api.md section 1. */

import { close, constants, fstatSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/numbers.ts';
import { StartError, UsageError } from './usage-error.ts';

/** The standard streams have uses of their own. */
const FIRST = 3;
const MAX = 65_535;

/** @throws UsageError in one line that names the flag. */
export function parseReadyFd(text: string): number {
  const fd = parseInteger(text);
  if (fd !== undefined && fd >= FIRST && fd <= MAX) return fd;
  throw new UsageError(`--ready-fd=${shown(text)}: must be a file descriptor, ${FIRST}..${MAX}`);
}

/** Before anything of ours is opened, which would take its number. @throws StartError. */
export function checkOpen(fd: number): void {
  if (!isFromOutside(fd)) {
    throw new StartError(`--ready-fd ${fd}: whoever started tnull has not opened it`);
  }
}

/** Node has descriptors, too: those of its event loops are no files, so that they have no type. */
function isFromOutside(fd: number): boolean {
  try {
    return (fstatSync(fd).mode & constants.S_IFMT) !== 0;
  } catch {
    return false;
  }
}

/** Writes all of `line` and closes. Nobody waits for it: the pipe may be full.
 *  @throws Error of the system, such as EPIPE. */
export async function tellReady(fd: number, line: string): Promise<void> {
  const bytes = Buffer.from(line);
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await promisify(write)(fd, bytes, done, bytes.length - done, null);
      done += bytesWritten;
    }
  } finally {
    await promisify(close)(fd);
  }
}
