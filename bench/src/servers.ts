/** Servers, started side by side and stopped, each with a device on a unix socket or TCP loopback. */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fill } from './fio.ts';
import type { Kind, Place } from './kinds.ts';
import { cpuMs, residentBytes } from './proc.ts';
import { Background, ProgramError, scratch } from './processes.ts';

const MIB = 1024 * 1024;
const TMPFS = '/dev/shm';
const TMPFS_MAGIC = 0x01021994;
const START_MS_MAX = 20_000;

export interface StartOptions {
  /** For sockets and the like. */
  readonly folder: string;
  readonly mib: number;
  readonly tcp?: boolean;
}

export class Server {
  readonly name: string;
  readonly place: Place;
  readonly uri: string;
  /** What `spin` and net.connect take. */
  readonly address: string;
  readonly exportName: string;
  /** From the start of the program until it took a connection, in ms. */
  readonly startMs: number;
  readonly #process: Background;

  private constructor(kind: Kind, place: Place, process: Background, startMs: number) {
    const { socket, port } = place;
    this.name = kind.name;
    this.place = place;
    this.exportName = kind.exportName ?? '';
    this.address = port === 0 ? socket : String(port);
    this.uri =
      port === 0
        ? `nbd+unix:///${this.exportName}?socket=${socket}`
        : `nbd://127.0.0.1:${port}/${this.exportName}`;
    this.startMs = startMs;
    this.#process = process;
  }

  /** @throws ProgramError when it does not start. */
  static async start(kind: Kind, { folder, mib, tcp }: StartOptions): Promise<Server> {
    const id = Math.random().toString(36).slice(2);
    const port = tcp === true ? await freePort() : 0;
    const file = join(TMPFS, `tnull-bench-${id}`);
    const place: Place = { socket: join(folder, `s-${id}`), port, mib, file };
    if (kind.servesFile === true) makeFile(file, mib);
    const begin = performance.now();
    const [program, ...args] = kind.command(place);
    const process = new Background(program, args, kind.pidFile?.(place));
    try {
      while (!(await accepts(place))) {
        process.check();
        if (performance.now() - begin > START_MS_MAX)
          throw new ProgramError(`${kind.name} does not accept connections`);
        await sleep(1);
      }
      const startMs = performance.now() - begin;
      await process.settle();
      await kind.prepare?.(place);
      return new Server(kind, place, process, startMs);
    } catch (error) {
      await process.stop();
      removeFile(file);
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** CPU time so far, in ms. */
  cpuMs(): number {
    return cpuMs(this.pid);
  }

  /** Memory in bytes that the server holds, its file on the tmpfs counted in. */
  heldBytes(): number {
    const file = statSync(this.place.file, { throwIfNoEntry: false });
    return residentBytes(this.pid) + (file?.blocks ?? 0) * 512;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    removeFile(this.place.file);
  }
}

/** Runs `use` with servers of all `kinds` side by side, so that each round meets the same machine. */
export async function withServers<T>(
  kinds: readonly Kind[],
  options: StartOptions & { readonly filled: boolean },
  use: (servers: readonly Server[]) => Promise<T>,
): Promise<T> {
  const servers: Server[] = [];
  try {
    for (const kind of kinds) servers.push(await Server.start(kind, options));
    if (options.filled) for (const server of servers) await fill(server.uri, options.mib);
    return await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Visits the servers in turns; none is always the first. */
export async function alternate<S>(
  servers: readonly S[],
  rounds: number,
  measure: (server: S, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < servers.length; turn++) {
      const server = servers[(turn + round) % servers.length];
      if (server !== undefined) await measure(server, round);
    }
  }
}

/** A file of random data on the tmpfs. @throws ProgramError as makeFile does. */
export function randomFile(mib: number): { readonly path: string; remove(): void } {
  const path = join(TMPFS, `tnull-bench-${Math.random().toString(36).slice(2)}`);
  makeFile(path, mib);
  const data = randomBytes(MIB);
  const file = openSync(path, 'r+');
  for (let i = 0; i < mib; i++) writeSync(file, data, 0, MIB, i * MIB);
  closeSync(file);
  return { path, remove: () => removeFile(path) };
}

/** A file without data. @throws ProgramError where there is no tmpfs, or one with too little room. */
function makeFile(path: string, mib: number): void {
  const found = statfsSync(TMPFS, { bigint: false });
  // Devices of many GiB are never filled: what they hold is at most 2 GiB.
  const needed = Math.min(mib, 2048) * MIB;
  if (found.type !== TMPFS_MAGIC || found.bavail * found.bsize < needed)
    throw new ProgramError(`${TMPFS} must be a tmpfs with ${Math.min(mib, 2048)} MiB free`);
  scratch.add(path);
  writeFileSync(path, '');
  truncateSync(path, mib * MIB);
}

function removeFile(path: string): void {
  rmSync(path, { force: true });
  scratch.delete(path);
}

function accepts({ socket, port }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const client = port === 0 ? net.connect(socket) : net.connect(port, '127.0.0.1');
    client.once('connect', () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
