/** Standard input and output as a client's way in: one socket for both, or a pipe or socket for each.
 *  Source: control.md section 1 (--stdin). */

import type { Stats } from 'node:fs';
import net from 'node:net';
import { statOf } from './inherited.ts';
import { ListenError } from './listener.ts';

const STDIN = 0;
const STDOUT = 1;

export interface Stdio {
  /** Not read yet. */
  readonly source: net.Socket;
  /** Undefined: written bytes go to the source, too. */
  readonly drain: net.Socket | undefined;
}

/** Not for use beside process.stdin, which must never have been read.
 *  @throws ListenError. */
export function openStdio(): Stdio {
  const input = check(STDIN, 'standard input');
  const output = check(STDOUT, 'standard output');
  const same = input.dev === output.dev && input.ino === output.ino && input.isSocket();
  // `pauseOnCreate` is not in the types: nothing is read before the handle is moved.
  const reading = { fd: STDIN, pauseOnCreate: true, allowHalfOpen: true };
  const source = new net.Socket({ ...reading, writable: same });
  if (same) return { source, drain: undefined };
  return { source, drain: new net.Socket({ fd: STDOUT, readable: false, writable: true }) };
}

function check(fd: number, what: string): Stats {
  const there = statOf(fd);
  if (there === undefined) throw new ListenError(`--stdin: ${what} is closed`);
  if (there.isSocket() || there.isFIFO()) return there;
  throw new ListenError(`--stdin: ${what} must be a socket or a pipe`);
}
