/** The only file that depends on how Node keeps a socket's handle, which its types do not show. Node has no
 *  other way to read into our memory, to write without a stream, or to give a socket to another thread.
 *  test/server/receive.test.ts, test/server/direct-write.test.ts, test/wire/tls.test.ts and
 *  test/threads/hand-over.test.ts check it on every supported version. */

import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Reader } from './pipe-pair.ts';

/** A socket's handle; only this file looks into it. */
export interface Handle {
  readonly fd: number;
  /** Set by Node before a read brings the bytes that came with it. */
  pendingHandle?: Handle | null;
  open(fd: number): number;
  writeUtf8String(request: object, text: string, handle?: Handle): number;
}

type HandleClass = new (kind: number) => Handle;

interface HandleOwner {
  _handle: Handle | null | undefined;
}

/** The argument of `onread` of net.Socket that is not in the types: `buffer` may be asked again for each
 *  read. */
type OnRead = { buffer: () => Uint8Array; callback: (length: number) => boolean };

/** Node's own name for the kind of pipe that carries handles. */
const IPC = 2;

/** @returns undefined: the socket is gone. */
export function handleOf(socket: net.Socket): Handle | undefined {
  return ownerOf(socket)._handle ?? undefined;
}

/** The socket's file descriptor; -1: it has none. */
export function descriptorOf(socket: net.Socket): number {
  return numberOf(socket, 'fd') ?? -1;
}

/** Bytes that wait in the handle: unlike `writableLength` it falls while one long write is taken. */
export function queuedBytes(socket: net.Socket): number {
  return numberOf(socket, 'writeQueueSize') ?? socket.writableLength;
}

/** The handle of `accepted` in a socket that reads into `reader`'s memory. */
export function moveHandle(accepted: net.Socket, reader: Reader, writable: boolean): net.Socket {
  const handle = takeHandle(accepted);
  const onread: OnRead = {
    buffer: () => reader.target(),
    callback: (length) => reader.received(length),
  };
  return socketOf(handle, { onread, writable, allowHalfOpen: true });
}

/** A new socket with `handle`. @param options of net.Socket, also those that are not in the types. */
export function socketOf(handle: Handle | undefined, options: object): net.Socket {
  const all = { handle: handle ?? null, ...options };
  return new net.Socket(all as unknown as net.SocketConstructorOpts); // `handle` is not in the types
}

/** What is wrong with the peer's certificate, if anything. OpenSSL goes on with a certificate that it could
 *  not verify, and tls.Server asks it afterwards in this way; code that wraps a socket itself must do the
 *  same. */
export function certificateFault(socket: TLSSocket): string | undefined {
  const handle: unknown = handleOf(socket);
  if (typeof handle !== 'object' || handle === null || !('verifyError' in handle)) return 'unknown';
  const { verifyError } = handle;
  if (typeof verifyError !== 'function') return 'unknown';
  const error: unknown = verifyError.call(handle);
  if (error === null || error === undefined) return undefined;
  return error instanceof Error ? error.message : 'unknown';
}

/** A unix socket of the kind that Node has between processes: a handle may go with each write. */
export class HandlePipe {
  /** Sent with the next write. */
  giving: Handle | undefined;
  readonly channel: net.Socket;
  readonly #pipe: Handle;

  /** @param like any unix socket, connected or not. */
  constructor(like: net.Socket) {
    const handle = handleOf(like);
    if (handle === undefined) throw new Error('a socket without a handle');
    const pipe = new (classOf(handle))(IPC);
    pipe.writeUtf8String = (request, text) =>
      classOf(pipe).prototype.writeUtf8String.call(pipe, request, text, this.giving);
    this.#pipe = pipe;
    this.channel = socketOf(pipe, { manualStart: true });
  }

  /** The same over the connection of `accepted`, of which nothing was read, and which has ended. */
  static of(accepted: net.Socket): HandlePipe {
    const pipe = new HandlePipe(accepted);
    pipe.#pipe.open(descriptorOf(accepted));
    // Both handles have the descriptor now, and only one may close it: this one never does.
    takeHandle(accepted);
    return pipe;
  }

  /** What came with the last read; undefined: nothing, or there was no descriptor free for it. */
  takePending(): Handle | undefined {
    const handle = this.#pipe.pendingHandle ?? undefined;
    this.#pipe.pendingHandle = null;
    return handle;
  }
}

/** Takes the handle away from its socket. */
function takeHandle(socket: net.Socket): Handle | undefined {
  const owner = ownerOf(socket);
  const handle = owner._handle ?? undefined;
  owner._handle = null;
  socket.destroy(); // without a handle this only takes it off the server's count
  return handle;
}

function numberOf(socket: net.Socket, name: 'fd' | 'writeQueueSize'): number | undefined {
  const handle: unknown = handleOf(socket);
  if (typeof handle !== 'object' || handle === null) return undefined;
  const value: unknown = Reflect.get(handle, name);
  return typeof value === 'number' ? value : undefined;
}

function ownerOf(socket: net.Socket): HandleOwner {
  return socket as unknown as HandleOwner; // _handle is not in the types
}

function classOf(handle: Handle): HandleClass {
  return handle.constructor as HandleClass; // Node's own class, which it does not export
}
