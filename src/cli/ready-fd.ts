/** Who started us may wait for a line on a file descriptor. Source: test-api.md section 1. */

import {
  close,
  constants,
  fstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  write,
} from 'node:fs';
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
  const open = openDescriptors();
  if (!hasType(fd) || isNodes(fd, open)) {
    throw new StartError(`--ready-fd ${fd}: whoever started tnull has not opened it`);
  }
  if (open.get(fd)?.writes === false) {
    throw new StartError(`--ready-fd ${fd}: it is open for reading only`);
  }
}

/** Node has descriptors, too: those of its event loops are no files, so that they have no type. */
function hasType(fd: number): boolean {
  try {
    return (fstatSync(fd).mode & constants.S_IFMT) !== 0;
  } catch {
    return false;
  }
}

/** What a descriptor is. */
export interface Descriptor {
  /** As /proc/self/fd shows it, such as `pipe:[4711]`. */
  readonly leadsTo: string;
  readonly writes: boolean;
}

/** Node writes to itself by pipes: it has both ends. Its first event loop has the lowest number that was free, so that
 *  its pipes have higher ones; who starts us may have left us both ends of its own, at lower ones. */
export function isNodes(fd: number, open: ReadonlyMap<number, Descriptor>): boolean {
  const asked = open.get(fd);
  if (asked?.leadsTo.startsWith('pipe:') !== true) return false;
  const loops = [...open].filter(([, { leadsTo }]) => leadsTo === 'anon_inode:[eventpoll]');
  if (!loops.some(([loop]) => loop < fd)) return false;
  return [...open.values()].some(
    ({ leadsTo, writes }) => leadsTo === asked.leadsTo && writes !== asked.writes,
  );
}

/** Empty where there is no /proc: then Node's pipes are taken for ours. */
function openDescriptors(): ReadonlyMap<number, Descriptor> {
  const open = new Map<number, Descriptor>();
  for (const name of namesIn('/proc/self/fd')) {
    try {
      const leadsTo = readlinkSync(`/proc/self/fd/${name}`);
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'));
      // The last octal digit is the way it was opened.
      const way = Number(flags?.[1]?.at(-1)) & 3;
      open.set(Number(name), { leadsTo, writes: way !== constants.O_RDONLY });
    } catch {
      // Closed meanwhile: it was that of the list.
    }
  }
  return open;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
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
