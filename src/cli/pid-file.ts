/** `--pid-file`: a file with the process id that is ours while we live. Its lock, not the number in it, says
 *  whether the process lives: the system uses numbers again. */

import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { systemText } from '../config/errors.ts';
import { flock, isAt } from '../server/file-lock.ts';
import { StartError } from './usage-error.ts';

export interface PidFile {
  remove(): void;
}

const EVERYBODY_READS = 0o644;
/** A process id, a line break, and some. */
const BYTES_MAX = 32;

/** Makes the file; it is complete from its first moment. It replaces a file that a dead process left behind.
 *  @throws StartError when that process lives, when the path is no such file, or when it cannot be made. */
export async function makePidFile(path: string): Promise<PidFile> {
  const temporary = `${path}.${process.pid}`;
  let fd: number | undefined;
  try {
    const { O_RDWR, O_CREAT, O_EXCL } = constants;
    fd = openSync(temporary, O_RDWR | O_CREAT | O_EXCL, EVERYBODY_READS);
    writeSync(fd, `${process.pid}\n`);
    await flock(fd); // no other process knows it yet
    while (!isLinked(temporary, path) && !(await replaced(temporary, path)));
    return { remove: remover(fd, path) };
  } catch (error) {
    if (fd !== undefined) remover(fd, temporary)();
    if (error instanceof StartError) throw error;
    throw new StartError(`--pid-file: ${pidFileText(error, path)}`);
  }
}

/** Puts `temporary` in its place. @returns false: something is there. */
function isLinked(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  unlinkSync(temporary);
  return true;
}

/** Puts `temporary` in the place of a file that a dead process left. @returns false: it has just changed.
 *  @throws StartError. */
async function replaced(temporary: string, path: string): Promise<boolean> {
  const stale = openIfThere(path);
  if (stale === undefined) return false;
  try {
    const pid = pidIn(stale, path);
    const problem = await flock(stale);
    // Without locks only the number can be asked.
    const isTaken = problem?.kind === 'held' || (problem !== undefined && isAlive(pid));
    if (isTaken) throw new StartError(`--pid-file: ${path}: in use by the process ${pid}`);
    // Another process that waits for the lock of the old file finds that the file is gone.
    if (!isAt(stale, path)) return false;
    renameSync(temporary, path);
    return true;
  } finally {
    closeSync(stale);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
    // So that we do not wait for the other end of a pipe, and do not replace a link's target.
    return openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ELOOP') throw new StartError(`--pid-file: ${path}: is a symbolic link`);
    throw error;
  }
}

/** @throws StartError: the file is something else, and we must not replace it. */
function pidIn(fd: number, path: string): number {
  const bytes = Buffer.alloc(BYTES_MAX);
  const text = fstatSync(fd).isFile() ? bytes.toString('latin1', 0, readSync(fd, bytes)) : '-';
  if (/^\s*\d*\s*$/.test(text)) return Number(text);
  throw new StartError(`--pid-file: ${path}: exists, and contains no process id`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid > 0;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function remover(fd: number, path: string): () => void {
  return () => {
    try {
      if (isAt(fd, path)) unlinkSync(path);
    } catch {
      // Its folder is gone, or we may not write there any more.
    }
    closeSync(fd);
  };
}

/** Not the name of the temporary file. */
function pidFileText(error: unknown, path: string): string {
  const text = systemText(error, path);
  return text.startsWith(`${path}.`) ? `${path}${text.slice(text.indexOf(':'))}` : text;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
