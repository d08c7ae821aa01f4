/** Sockets that another program opened and passed to us as file descriptors: what a descriptor is, and how to
 *  listen there. Source: control.md section 1 (systemd socket activation), sd_listen_fds(3). */

import { fstatSync, readFileSync, type Stats } from 'node:fs';
import type net from 'node:net';
import { type ListenAddress, ListenError } from './listener.ts';

export interface InheritedSocket {
  readonly fd: number;
  /** The name in the unit. */
  readonly name: string | undefined;
}

/** Flags of /proc/net/unix: it listens. */
const SO_ACCEPTCON = 0x1_0000;

/** Makes `server` accept at a socket that listens already.
 *  @returns its address. Undefined when it is unknown: a unix socket of another network namespace.
 *  @throws ListenError when it is no such socket. */
export async function listenInherited(
  server: net.Server,
  socket: InheritedSocket,
): Promise<ListenAddress | undefined> {
  const unix = checkSocket(socket);
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => reject(refusal(socket, error.message));
    server.once('error', failed);
    try {
      server.listen({ fd: socket.fd }, () => {
        server.off('error', failed);
        resolve();
      });
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)));
    }
  });
  const bound = server.address();
  if (bound !== null && typeof bound === 'object' && 'port' in bound) {
    return { kind: 'tcp', host: bound.address, port: bound.port };
  }
  return unix?.path === undefined ? undefined : { kind: 'unix', path: unix.path };
}

function refusal({ fd, name }: InheritedSocket, why: string): ListenError {
  const called = name === undefined ? '' : ` (${name})`;
  return new ListenError(`LISTEN_FDS: file descriptor ${fd}${called}: ${why}`);
}

/** @returns what the kernel's table of unix sockets says about it, if anything. @throws ListenError. */
function checkSocket(socket: InheritedSocket): UnixSocket | undefined {
  const there = statOf(socket.fd);
  if (there === undefined) throw refusal(socket, 'it is not open');
  if (!there.isSocket()) throw refusal(socket, 'it is not a socket');
  const unix = unixSocket(there.ino);
  if (unix !== undefined && unix.type !== 'stream')
    throw refusal(socket, 'it is not a stream socket');
  if (unix?.listens === false || connectedTcp(there.ino)) {
    throw refusal(
      socket,
      'it does not listen: with Accept=yes use StandardInput=socket and --stdin',
    );
  }
  return unix;
}

export function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

interface UnixSocket {
  readonly listens: boolean;
  readonly type: 'stream' | 'other';
  /** Undefined: it has no name. */
  readonly path: string | undefined;
}

function unixSocket(inode: number): UnixSocket | undefined {
  // Num: RefCount Protocol Flags Type St Inode Path
  const line = new RegExp(
    `^\\S+: \\S+ \\S+ ([0-9A-F]+) ([0-9A-F]+) \\S+ +${inode}(?: (.+))?$`,
    'm',
  );
  const [, flags, type, path] = line.exec(table('unix')) ?? [];
  if (flags === undefined) return undefined;
  return {
    listens: (Number.parseInt(flags, 16) & SO_ACCEPTCON) !== 0,
    type: type === '0001' ? 'stream' : 'other',
    // The kernel writes the zero byte of an abstract name like this.
    path: path?.replace(/^@/, '\0'),
  };
}

/** `local remote state ...`; 0A is LISTEN. A socket of another namespace is in neither table. */
function connectedTcp(inode: number): boolean {
  const line = new RegExp(
    `^ *\\d+: \\S+ \\S+ ([0-9A-F]{2}) \\S+ \\S+ \\S+ +\\d+ +\\d+ ${inode} `,
    'm',
  );
  const state = line.exec(table('tcp'))?.[1] ?? line.exec(table('tcp6'))?.[1];
  return state !== undefined && state !== '0A';
}

function table(name: 'unix' | 'tcp' | 'tcp6'): string {
  try {
    return readFileSync(`/proc/self/net/${name}`, 'utf8');
  } catch {
    return ''; // not Linux, or no IPv6
  }
}
