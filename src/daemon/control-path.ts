/** Where the control socket is when nobody says: the daemon and its commands must agree.
 *  Source: control.md section 1 (--control). */

import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';

const SOCKET = 'control.sock';
const PRIVATE = 0o700;
const OTHERS_WRITE = 0o022;

export interface Place {
  readonly folder: string;
  readonly socket: string;
}

/** `$XDG_RUNTIME_DIR/tnull`, else `/run/tnull` for root, else `/tmp/tnull-UID`. */
export function defaultPlace(): Place {
  const folder = defaultFolder();
  return { folder, socket: join(folder, SOCKET) };
}

function defaultFolder(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  // It is often inherited by users whose folder is not there.
  if (runtime !== undefined && runtime !== '' && isFolder(runtime)) return join(runtime, 'tnull');
  const user = process.getuid?.() ?? 0;
  return user === 0 ? '/run/tnull' : `/tmp/tnull-${user}`;
}

/** For a second daemon. */
export function secondSocket({ folder }: Place): string {
  return join(folder, `control-${process.pid}.sock`);
}

/** Those of further daemons that run. */
export function otherSockets({ folder }: Place): string[] {
  return namesIn(folder)
    .filter((name) => isRunning(/^control-(\d+)\.sock$/.exec(name)?.[1]))
    .map((name) => join(folder, name));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // there is none, and so no daemon
  }
}

/** A killed daemon leaves its socket behind. */
function isRunning(pid: string | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Makes the folder ours alone. @throws Error in one line, when it is or may be another's. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE });
  const there = lstatSync(folder);
  checkOurs(folder, there);
  if ((there.mode & 0o777) !== PRIVATE) chmodSync(folder, PRIVATE);
}

/** For who connects to what is in it: nobody else can have put a socket there.
 *  @throws Error in one line, when somebody can. */
export function checkFolder(folder: string): void {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there === undefined) return; // and no daemon either
  checkOurs(folder, there);
  if ((there.mode & OTHERS_WRITE) !== 0) throw new Error(`${folder} can be written by others`);
}

function checkOurs(folder: string, there: Stats): void {
  // In /tmp anybody could have made it before us, or a link to elsewhere.
  if (!there.isDirectory()) throw new Error(`${folder} is no folder`);
  if (there.uid !== (process.getuid?.() ?? there.uid)) {
    throw new Error(`${folder} belongs to another user`);
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}
