/** The default path of the control socket: the daemon and its commands must agree.
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
  // The variable is often inherited by users whose folder does not exist.
  if (runtime !== undefined && runtime !== '' && isFolder(runtime)) return join(runtime, 'tnull');
  const user = process.getuid?.() ?? 0;
  return user === 0 ? '/run/tnull' : `/tmp/tnull-${user}`;
}

/** The path for a second daemon. */
export function secondSocket({ folder }: Place): string {
  return join(folder, `control-${process.pid}.sock`);
}

/** The paths of further daemons that run. */
export function otherSockets({ folder }: Place): string[] {
  return namesIn(folder)
    .filter((name) => isRunning(/^control-(\d+)\.sock$/.exec(name)?.[1]))
    .map((name) => join(folder, name));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // the folder does not exist, so there is no daemon
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

/** Makes the folder ours alone. @throws Error in one line, when it belongs or may belong to another user. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE });
  const there = lstatSync(folder);
  checkOurs(folder, there);
  if ((there.mode & 0o777) !== PRIVATE) chmodSync(folder, PRIVATE);
}

/** For programs that connect to a socket in it: no other user can have put a socket there.
 *  @throws Error in one line, when another user can. */
export function checkFolder(folder: string): void {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there === undefined) return; // and there is no daemon either
  checkOurs(folder, there);
  if ((there.mode & OTHERS_WRITE) !== 0) throw new Error(`${folder} can be written by others`);
}

function checkOurs(folder: string, there: Stats): void {
  // In /tmp any user could have made it before us, or a link to another place.
  if (!there.isDirectory()) throw new Error(`${folder} is not a folder`);
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
