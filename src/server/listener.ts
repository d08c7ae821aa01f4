/** Addresses to listen on. The file of a unix socket that a dead daemon left is replaced, a live daemon's
 *  never. Source: control.md section 1. */

import { linkSync, lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import type { ReplyForm } from 'nbd-server-protocol-ts';
import { type Attempt, type FileLock, lockFile } from './file-lock.ts';

export type ListenAddress = (
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'unix';
      readonly path: string;
      /** In a folder that no other process knows: it needs no lock. */
      readonly isPrivate?: true;
    }
) & {
  /** Only for clients with TLS; left out if there is no TLS. */
  readonly tls?: true;
  /** The highest form of the protocol that is offered; left out if it is the default for all addresses. */
  readonly protocol?: ReplyForm;
};

/** The kernel's sun_path, without the zero byte at its end. */
const UNIX_PATH_MAX = 107;

/** How many clients may wait to be accepted; on unix sockets further ones are refused at once (EAGAIN). */
const BACKLOG = 4096;

export interface ListenLog {
  warn(facts: object, message: string): void;
}

/** An address that cannot be listened on; the message is one line for the user. */
export class ListenError extends Error {}

/** Somebody else serves there. */
export class InUseError extends ListenError {}

/** The address as a user writes it. */
export function addressText(address: ListenAddress): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}

/** What is known of a server's unix socket. */
interface Held {
  /** The file that it made. */
  readonly file: string | undefined;
  /** Of the path. Undefined: there are no locks. */
  readonly lock: FileLock | undefined;
}

const held = new WeakMap<net.Server, Held>();

/** Makes `server` listen. A unix socket has a lock beside it, PATH.lock, while it listens: if several daemons
 *  find the socket of a dead one, exactly one gets it.
 *  @returns the address with its real port. @throws ListenError. */
export async function listen(
  server: net.Server,
  address: ListenAddress,
  log: ListenLog,
): Promise<ListenAddress> {
  if (address.kind === 'tcp') return await bind(server, address);
  const { path } = address;
  checkLength(path);
  const lock = address.isPrivate ? undefined : await takeLock(path, log);
  try {
    await removeStale(path);
    await bind(server, address);
    held.set(server, { file: identity(path), lock });
    return address;
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** @returns undefined: there are no locks here, which is logged. @throws ListenError. */
async function takeLock(path: string, log: ListenLog): Promise<FileLock | undefined> {
  let attempt: Attempt;
  try {
    attempt = await lockFile(`${path}.lock`);
  } catch (error) {
    const reason = error instanceof Error ? reasonOf(error, path) : String(error);
    throw new ListenError(`cannot listen on ${path}: ${reason}`);
  }
  if (attempt.kind === 'taken') return attempt.lock;
  if (attempt.kind === 'held') {
    throw new InUseError(`cannot listen on ${path}: the socket is in use`);
  }
  log.warn(
    { reason: attempt.reason },
    `${path}: no lock: of daemons that start there at once, more than one may run`,
  );
  return undefined;
}

async function bind(server: net.Server, address: ListenAddress): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const path = address.kind === 'unix' ? address.path : undefined;
      reject(new ListenError(`cannot listen on ${addressText(address)}: ${reasonOf(error, path)}`));
    };
    server.once('error', failed);
    const listening = (): void => {
      server.off('error', failed);
      resolve();
    };
    const where =
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    server.listen({ ...where, backlog: BACKLOG }, listening);
  });
  const bound = server.address();
  if (address.kind === 'unix' || bound === null || typeof bound === 'string') return address;
  return { ...address, port: bound.port };
}

/** Stops accepting. The socket's file is removed, unless another process removed it and listens there now.
 *  @param closed is called when the last connection is gone. */
export function stopListening(server: net.Server, closed?: () => void): void {
  const ours = held.get(server);
  held.delete(server);
  closeListener(server, ours?.file, closed);
  // Only after its file is gone: the next owner of the lock then finds no file, or one that is not ours.
  ours?.lock?.release();
}

function closeListener(
  server: net.Server,
  file: string | undefined,
  closed: (() => void) | undefined,
): void {
  const path = server.address();
  if (typeof path !== 'string') {
    server.close(closed);
    return;
  }
  const there = identity(path);
  if (there === undefined || there === file) {
    server.close(closed);
    return;
  }
  // Node removes whatever is there, so another process's socket gets a second name meanwhile.
  const aside = `${path}.${process.pid}`;
  linkSync(path, aside);
  server.close(closed);
  renameSync(aside, path);
}

function identity(path: string): string | undefined {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there === undefined ? undefined : `${there.dev}:${there.ino}`;
}

/** @param path of a unix socket. */
function reasonOf(error: NodeJS.ErrnoException, path = ''): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the address is in use; -U - listens on a private socket instead';
    case 'EACCES':
      return 'permission denied';
    case 'EADDRNOTAVAIL':
      return 'no such address on this machine';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host';
    case 'ENOENT':
      return `the folder ${dirname(path)} does not exist`;
    case 'ENOTDIR':
      return `${dirname(path)} is a file, not a folder`;
    case 'EISDIR':
      return 'a folder is there';
    default:
      return error.message;
  }
}

/** @throws ListenError. */
function checkLength(path: string): void {
  // Node cuts a longer path silently, and would listen at another path.
  if (Buffer.byteLength(path) > UNIX_PATH_MAX) {
    throw new ListenError(`cannot listen on ${path}: longer than ${UNIX_PATH_MAX} bytes`);
  }
}

/** Removes a socket's file if nobody answers there: other programs than our daemons have no lock.
 *  @throws ListenError when somebody answers, or when the file is no socket. */
async function removeStale(path: string): Promise<void> {
  const there = look(path);
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new ListenError(`cannot listen on ${path}: there is a file that is not a socket`);
  }
  const answer = await knock(path);
  if (answer !== 'ECONNREFUSED') {
    throw new InUseError(`cannot listen on ${path}: the socket is in use`);
  }
  unlinkSync(path);
}

/** @returns undefined when nothing is there. @throws ListenError when that is unknown. */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const reason = error instanceof Error ? reasonOf(error, path) : String(error);
    throw new ListenError(`cannot listen on ${path}: ${reason}`);
  }
}

/** Connects and hangs up. @returns the error's code, or undefined when somebody answers. */
function knock(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
