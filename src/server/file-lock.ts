/** A lock that the kernel frees with the process that holds it: flock(2) on a file beside what it guards.
 *
 *  Node has no flock. flock(1) of util-linux and busybox takes the lock on an inherited descriptor: the lock
 *  belongs to the open file description, which is ours, and outlives that program. It works between
 *  containers and process namespaces that share the folder, and over NFS if that has locks. */

import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, statSync, unlinkSync } from 'node:fs';

/** `held`: another process has it. `unknown`: locks do not work here, for the given reason. */
export type Attempt =
  | { readonly kind: 'taken'; readonly lock: FileLock }
  | { readonly kind: 'held' }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface FileLock {
  /** Removes the file and frees the lock. */
  release(): void;
}

/** The status of flock(1) when the lock is held. */
const HELD = 1;
const OWNER_ONLY = 0o600;
/** The number under which flock(1) sees the descriptor. */
const INHERITED = 3;

/** Takes the lock of the file at `path`, and makes the file if there is none.
 *  @throws Error of the system when the file cannot be opened. */
export async function lockFile(path: string): Promise<Attempt> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  for (;;) {
    const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, OWNER_ONLY);
    const problem = await flock(fd);
    // The former owner may have removed the file: then the lock is on a file that nobody else will find.
    if (problem === undefined && isAt(fd, path)) return { kind: 'taken', lock: held(fd, path) };
    closeSync(fd);
    if (problem !== undefined) return problem;
  }
}

/** Locks the file that is open at `fd`. @returns undefined: it is locked until `fd` is closed. */
export function flock(fd: number): Promise<Exclude<Attempt, { kind: 'taken' }> | undefined> {
  return new Promise((resolve) => {
    const words = ['-x', '-n', String(INHERITED)];
    const child = spawn('flock', words, { stdio: ['ignore', 'ignore', 'ignore', fd] });
    child.once('error', (error) => resolve({ kind: 'unknown', reason: error.message }));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(undefined);
      else if (code === HELD) resolve({ kind: 'held' });
      else resolve({ kind: 'unknown', reason: `flock ended with ${signal ?? code}` });
    });
  });
}

export function isAt(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there !== undefined && there.dev === ours.dev && there.ino === ours.ino;
}

function held(fd: number, path: string): FileLock {
  let isHeld = true;
  return {
    release() {
      if (!isHeld) return;
      isHeld = false;
      try {
        // Before the lock is free, so that the next owner sees that its file is gone, and makes another.
        if (isAt(fd, path)) unlinkSync(path);
      } catch {
        // The folder is gone, or we may not write there any more.
      }
      closeSync(fd);
    },
  };
}
