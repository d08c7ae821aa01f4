/** A `ServerConnection` and a `ClientConnection` on two pipes that cut bytes as a test wants, and a disk in
 *  memory that records its requests. */

import {
  ClientConnection,
  type ClientConnectionOptions,
  type Extent,
  type ReadPart,
  ServerConnection,
  type ServerConnectionOptions,
  type ServerExport,
} from '../src/index.ts';

export const forms = ['simple', 'structured', 'extended'] as const;

/** What a client asks for to agree on that form. */
export function wishesFor(form: (typeof forms)[number]): Partial<ClientConnectionOptions> {
  if (form === 'extended') return {};
  return { extendedHeaders: false, structuredReplies: form === 'structured' };
}

/** Bytes on their way. */
export class Pipe {
  readonly sent: Uint8Array[] = [];
  #queue: Uint8Array[] = [];

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  readonly send = (bytes: Uint8Array): boolean => {
    this.sent.push(bytes.slice());
    this.#queue.push(bytes);
    return false; // as a socket does whose buffer is above its mark
  };

  /** The next `most` bytes. */
  take(most: number): Uint8Array {
    const [first] = this.#queue;
    if (first === undefined) return new Uint8Array(0);
    if (first.length > most) this.#queue[0] = first.subarray(most);
    else this.#queue.shift();
    // A Buffer, as sockets give, and a copy that nobody else has.
    return Buffer.from(first.subarray(0, most));
  }
}

export interface Pair<E extends ServerExport> {
  readonly server: ServerConnection<E>;
  readonly client: ClientConnection;
  readonly up: Pipe;
  readonly down: Pipe;
  /** What `close` was called with: 'end', or the words of an error. */
  readonly ends: { server?: string; client?: string };
  /** Carries bytes until nothing moves any more. */
  settle(): Promise<void>;
}

export interface Carrying {
  /** The size of the next piece. */
  readonly cut?: () => number;
  /** The server ignores its own pause. */
  readonly deaf?: boolean;
}

export function pair<E extends ServerExport>(
  serverOptions: Omit<ServerConnectionOptions<E>, 'send' | 'close'>,
  clientOptions: Partial<ClientConnectionOptions> = {},
  { cut = () => Number.POSITIVE_INFINITY, deaf = false }: Carrying = {},
): Pair<E> {
  const [up, down] = [new Pipe(), new Pipe()];
  const ends: Pair<E>['ends'] = {};
  let paused = false;
  const server = new ServerConnection<E>({
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    ...serverOptions,
    send: down.send,
    close: (error) => {
      ends.server = error === undefined ? 'end' : error.message;
    },
  });
  const client = new ClientConnection({
    ...{ send: up.send },
    close: (error) => {
      ends.client = error === undefined ? 'end' : error.message;
    },
    ...clientOptions,
  });
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet++) {
      while ((!up.empty && (deaf || !paused)) || !down.empty) {
        quiet = 0;
        const most = cut();
        if (!paused || deaf) server.receive(up.take(most));
        client.receive(down.take(cut()));
      }
      await new Promise(setImmediate);
    }
  };
  return { server, client, up, down, ends, settle };
}

/** A disk in memory, and its requests, in order. */
export function memoryDisk(size = 65_536) {
  const bytes = new Uint8Array(size);
  const asked: string[] = [];
  const named = (what: string, { offset, length }: { offset: number; length: number }): void => {
    asked.push(`${what} ${offset}+${length}`);
  };
  const disk: ServerExport = { name: 'disk', size, description: 'a disk', multiConn: true };
  return {
    bytes,
    asked,
    disk,
    options: {
      exports: [disk],
      read: (range: { offset: number; length: number }): Uint8Array | ReadPart[] => {
        named('read', range);
        return bytes.subarray(range.offset, range.offset + range.length);
      },
      write: (range: { offset: number; length: number; fua: boolean }, data: Uint8Array): void => {
        named(range.fua ? 'write!' : 'write', range);
        bytes.set(data, range.offset);
      },
      flush: (): void => {
        asked.push('flush');
      },
      trim: (range: { offset: number; length: number }): void => {
        named('trim', range);
        bytes.fill(0xff, range.offset, range.offset + range.length);
      },
      zeroes: (range: { offset: number; length: number; noHole: boolean; fast: boolean }): void => {
        named(`zeroes${range.noHole ? ' noHole' : ''}${range.fast ? ' fast' : ''}`, range);
        bytes.fill(0, range.offset, range.offset + range.length);
      },
      cache: (range: { offset: number; length: number }): void => named('cache', range),
      blockStatus: (range: {
        offset: number;
        length: number;
        context: string;
        single: boolean;
      }): Extent[] => {
        named(`status of ${range.context}${range.single ? ' single' : ''}`, range);
        return [
          { length: 512, flags: 0 },
          { length: size, flags: 3 },
        ];
      },
    },
  };
}
