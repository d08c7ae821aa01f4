/** Sockets from one thread to another. Node has no way for that between threads, but the kernel has
 *  one for whoever shares a unix socket (SCM_RIGHTS), and libuv's pipes of the kind that Node uses
 *  between processes know it. */

import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HandlePipe, handleOf, socketOf } from '../server/node-handle.ts';

/** Digits of a number that goes with a socket: each message is so long. */
const DIGITS = 12;

/** Where a thread that has just begun finds us; for one thread. */
export class Rendezvous {
  readonly path: string;
  readonly #folder: string;
  readonly #server: net.Server;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 's');
    this.#server = net.createServer({ pauseOnConnect: true });
  }

  static async open(): Promise<Rendezvous> {
    // Nobody else may enter the folder.
    const rendezvous = new Rendezvous(mkdtempSync(join(tmpdir(), 'tnull-threads-')));
    await new Promise<void>((resolve, reject) => {
      rendezvous.#server.once('error', reject);
      rendezvous.#server.listen(rendezvous.path, resolve);
    });
    return rendezvous;
  }

  /** The other has come. @throws an error of the system when it cannot be let in. */
  async met(): Promise<Giver> {
    const socket = await new Promise<net.Socket>((resolve, reject) => {
      this.#server.once('connection', resolve);
      this.#server.once('error', reject);
    });
    return new Giver(socket);
  }

  close(): void {
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Waiting {
  readonly socket: net.Socket;
  readonly id: number;
  readonly failed: (reason: string) => void;
}

/** Gives sockets away. */
export class Giver {
  /** There is one for each thread, until the process ends. */
  readonly #pipe: HandlePipe;
  readonly #waiting: Waiting[] = [];

  /** @param accepted not read. */
  constructor(accepted: net.Socket) {
    this.#pipe = HandlePipe.of(accepted);
    const { channel } = this.#pipe;
    channel.unref();
    // Whoever waits is told by his own write.
    channel.on('error', () => {});
  }

  /** Gives `socket`, of which nothing was read, to the other thread under the number `id`.
   *  @param failed it was not given, and is closed. */
  give(socket: net.Socket, id: number, failed: (reason: string) => void): void {
    this.#waiting.push({ socket, id, failed });
    this.#next();
  }

  close(): void {
    this.#pipe.channel.destroy();
  }

  /** One after the other: joined writes could carry one handle only. */
  #next(): void {
    const pipe = this.#pipe;
    const next = pipe.giving === undefined ? this.#waiting.shift() : undefined;
    if (next === undefined) return;
    const { socket, id, failed } = next;
    const handle = handleOf(socket);
    if (handle === undefined) {
      failed('the client has gone');
      return this.#next();
    }
    pipe.giving = handle;
    pipe.channel.write(String(id).padStart(DIGITS, '0'), 'utf8', (error) => {
      pipe.giving = undefined;
      // The kernel has another descriptor for it by now: this closes no connection.
      socket.destroy();
      if (error) failed(error.message);
      this.#next();
    });
  }
}

/** Takes sockets, each under the number that it was given with.
 *  @param path where the other waits.
 *  @param taken without a socket when none could be had: there are too many descriptors.
 *  @param refused the other hung up before he gave any: where he has no descriptor left for us the kernel
 *  lets us connect, hangs up, and tells him nothing. */
export function takeSockets(
  path: string,
  taken: (id: number, socket: net.Socket | undefined) => void,
  refused: () => void = () => {},
): net.Socket {
  // An attempt to connect has a handle of the class that is needed, whatever comes of it.
  const probe = net.connect(`${path}-none`);
  probe.on('error', () => {});
  const pipe = new HandlePipe(probe);
  probe.destroy();
  const { channel } = pipe;
  channel.connect(path);
  let any = false;
  channel.on('close', (failed) => {
    if (!any && !failed) refused();
  });
  channel.on('data', (data: Buffer) => {
    // The kernel ends a read behind each descriptor, so there is one of both.
    let handle = pipe.takePending();
    any = true;
    for (let at = 0; at < data.length; at += DIGITS) {
      const id = Number(data.toString('latin1', at, at + DIGITS));
      const options = { pauseOnCreate: true, allowHalfOpen: true };
      taken(id, handle === undefined ? undefined : socketOf(handle, options));
      handle = undefined;
    }
  });
  return channel;
}
