/** The fuzzer's sessions, which do not use the protocol package, at a server that is made with it: everything
 *  within the rules succeeds, every reply has its form, and a rude client ends only itself. */

import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import {
  AllocationFlag,
  type Extent,
  type ReadPart,
  ServerConnection,
  type ServerExport,
} from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { testRuns } from '../test-runs.ts';
import { kinds } from './daemon.ts';
import { Random } from './random.ts';
import { runSession, sizeOf } from './session.ts';

const PAGE = 4096;

/** A disk of any size that keeps what was written. */
class SparseDisk {
  readonly #pages = new Map<number, Uint8Array>();

  read(offset: number, length: number): ReadPart[] {
    return this.#parts(offset, length).map(({ page, from, to }) => {
      return this.#pages.get(page)?.subarray(from, to) ?? { zeros: to - from };
    });
  }

  write(offset: number, data: Uint8Array): void {
    let done = 0;
    for (const { page, from, to } of this.#parts(offset, data.length)) {
      const bytes = this.#pages.get(page) ?? new Uint8Array(PAGE);
      this.#pages.set(page, bytes);
      bytes.set(data.subarray(done, done + to - from), from);
      done += to - from;
    }
  }

  clear(offset: number, length: number): void {
    const end = offset + length;
    for (const [page, bytes] of this.#pages) {
      const at = page * PAGE;
      if (at >= offset && at + PAGE <= end) this.#pages.delete(page);
      else if (at < end && at + PAGE > offset) {
        bytes.fill(0, Math.max(0, offset - at), Math.min(PAGE, end - at));
      }
    }
  }

  status(offset: number, length: number): Extent[] {
    const { HOLE, ZERO } = AllocationFlag;
    const near = Math.min(length, 1 << 20);
    const extents = this.#parts(offset, near).map(({ page, from, to }) => ({
      length: to - from,
      flags: this.#pages.has(page) ? 0 : HOLE | ZERO,
    }));
    return extents;
  }

  #parts(offset: number, length: number): { page: number; from: number; to: number }[] {
    const parts: { page: number; from: number; to: number }[] = [];
    for (let at = offset; at < offset + length; ) {
      const page = Math.floor(at / PAGE);
      const to = Math.min(PAGE, offset + length - page * PAGE);
      parts.push({ page, from: at - page * PAGE, to });
      at = page * PAGE + to;
    }
    return parts;
  }
}

interface DiskExport extends ServerExport {
  readonly disk: SparseDisk;
}

test('sessions of the fuzzer', async () => {
  const path = join(folder(), 's');
  const exports: DiskExport[] = kinds.map((kind) => {
    return { name: kind.name, size: Number(sizeOf(kind)), disk: new SparseDisk() };
  });
  const seed = `${process.env['NBD_FUZZ_SEED'] ?? Date.now()}`;
  const random = new Random(seed);
  /** Some answers come at once, some late. */
  const late = <T>(value: T): T | Promise<T> =>
    random.chance(0.5) ? value : new Promise((resolve) => setImmediate(resolve, value));
  const wrong: unknown[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const nbd = new ServerConnection<DiskExport>({
      exports,
      read: ({ export: { disk }, offset, length }) => late(disk.read(offset, length)),
      write: ({ export: { disk }, offset }, data) => late(disk.write(offset, data)),
      zeroes: ({ export: { disk }, offset, length }) => late(disk.clear(offset, length)),
      trim: ({ export: { disk }, offset, length }) => late(disk.clear(offset, length)),
      flush: () => late(undefined),
      cache: () => late(undefined),
      blockStatus: ({ export: { disk }, offset, length }) => late(disk.status(offset, length)),
      fastZeroes: true,
      limits: { requests: 16, bytes: 1 << 20 },
      onError: (error) => wrong.push(error),
      send: (bytes) => socket.write(bytes) || once(socket, 'drain'),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: (error) => (error === undefined ? socket.end() : socket.destroySoon()),
    });
    socket.on('data', (bytes) => nbd.receive(bytes));
    socket.on('end', () => void nbd.shutdown());
    socket.on('close', () => nbd.abort());
    socket.on('error', () => {});
  });
  await once(server.listen(path), 'listening');
  const sessions = testRuns(60);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < sessions) {
      const number = next++;
      await runSession(path, seed, number).catch((error: unknown) => {
        throw new Error(`NBD_FUZZ_SEED=${seed}: session ${number}`, { cause: error });
      });
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  expect(wrong).toEqual([]);
  server.close();
});
