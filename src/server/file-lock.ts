/** A lock that the kernel frees with the process which holds it: flock(2) on a file beside what it guards.
 *
 *  Node has no flock. flock(1) of util-linux and busybox takes the lock on a descriptor that it inherits: the
 *  lock belongs to the open file description, which is ours, and stays when that program has ended. It holds
 *  between containers and process namespaces that share the folder, and over NFS as far as that has locks. */

import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, statSync, unlinkSync } from 'node:fs';

/** `held`: somebody else has it. `unknown`: locks cannot be had here, for a reason. */
export type Attempt =
  | { readonly kind: 'taken'; readonly lock: FileLock }
  | { readonly kind: 'held' }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface FileLock {
  /** Removes the file and frees the lock. */
  release(): void;
}

/** What flock(1) says when the lock is held. */
const HELD = 1;
const OWNER_ONLY = 0o600;
/** How flock(1) sees the descriptor. */
const INHERITED = 3;

/** Takes the lock of the file at `path`, and makes the file where there is none.
 *  @throws Error of the system when the file cannot be opened. */
export async function lockFile(path: string): Promise<Attempt> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  for (;;) {
    const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, OWNER_ONLY);
    const problem = await flock(fd);
    // Who had it may have removed the file: then the lock is of a file that nobody else will find.
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
        // Before the lock is free: the next one sees that its file has gone, and makes another.
        if (isAt(fd, path)) unlinkSync(path);
      } catch {
        // The folder has gone, or is not ours any more.
      }
      closeSync(fd);
    },
  };
}
