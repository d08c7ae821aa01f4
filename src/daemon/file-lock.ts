/** Keeps other daemons of this machine from a file. Node cannot lock files, so a name of Linux's abstract sockets stands for
 *  it: one process has a name at a time, and the kernel takes it away when that process ends, also by kill -9. What is
 *  not seen: a daemon in another network namespace (a container of its own), and systems other than Linux. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

export interface FileLock {
  release(): void;
}

/** The length of sun_path less one: versions of Node that fill it up and those that do not agree on such a name. */
const NAME_LENGTH = 107;

/** @param file what the system calls it: the same text in all processes. @returns undefined: another process has it. */
export function lockFile(file: string): FileLock | undefined {
  const name = `tnull-journal:${file}:`.padEnd(NAME_LENGTH - 1, '-');
  // Nobody is served: who connects is turned away.
  const server = createServer((socket) => socket.destroy());
  // It has no file, so it is looked for below, and the event comes later.
  server.on('error', () => {});
  if (process.platform === 'linux') server.listen({ path: `\0${name}`, exclusive: true });
  server.unref();
  if (server.listening) return { release: () => void server.close() };
  return isTaken(name) ? undefined : { release: () => {} };
}

/** Not every failure says that somebody has it: sockets may be forbidden. */
function isTaken(name: string): boolean {
  try {
    return readFileSync('/proc/net/unix', 'latin1').includes(`@${name}`);
  } catch {
    return false;
  }
}
