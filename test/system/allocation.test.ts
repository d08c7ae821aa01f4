/** A request allocates only, for a read of part of a slab, one view of it: a million requests leave the heap
 *  as it was, and the collector's own log says how much it had to remove. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
const DEPTH = 32;
const BATCHES = 31_250; // of 32: a million requests
const MiB = 1 << 20;

/** Sends batches of 32 requests in one piece each, and waits for all replies of one before the next. */
class BatchClient {
  readonly #socket: net.Socket;
  #left = 0;
  #arrived: (() => void) | undefined;

  constructor(path: string) {
    const onread = {
      buffer: new Uint8Array(MiB),
      callback: (length: number) => {
        this.#left -= length;
        if (this.#left === 0) this.#arrived?.();
        return true;
      },
    };
    this.#socket = net.connect({ path, onread });
  }

  /** The old handshake, in which replies are simple ones. */
  async greet(): Promise<void> {
    await this.#exchange(Buffer.alloc(0), 18);
    const name = 'nullb0';
    const hello = Buffer.alloc(4 + 16);
    hello.writeUInt32BE(3, 0);
    hello.write('IHAVEOPT', 4, 'latin1');
    hello.writeUInt32BE(1, 12);
    hello.writeUInt32BE(name.length, 16);
    await this.#exchange(Buffer.concat([hello, Buffer.from(name)]), 10);
  }

  async run(command: 'read' | 'write', batches: number): Promise<void> {
    const write = command === 'write';
    const bytes = 28 + (write ? 4096 : 0);
    const batch = Buffer.alloc(DEPTH * bytes, 1);
    const reply = DEPTH * (16 + (write ? 0 : 4096));
    for (let done = 0; done < batches; done++) {
      for (let at = 0; at < DEPTH; at++) {
        const start = at * bytes;
        batch.writeUInt32BE(0x25609513, start);
        batch.writeUInt32BE(write ? 1 : 0, start + 4);
        batch.writeBigUInt64BE(BigInt(at), start + 8);
        batch.writeBigUInt64BE(BigInt((((done * 32 + at) * 7919) % 16_384) * 4096), start + 16);
        batch.writeUInt32BE(4096, start + 24);
      }
      await this.#exchange(batch, reply);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #exchange(bytes: Uint8Array, replyBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error('the server has closed the connection'));
      this.#left += replyBytes;
      this.#arrived = () => {
        this.#socket.removeListener('close', lost);
        resolve();
      };
      this.#socket.once('close', lost);
      if (bytes.length > 0) this.#socket.write(bytes);
    });
  }
}

interface Collected {
  /** All that was allocated between the first and the last collection. */
  readonly allocated: number;
  /** The heap after the first and after the last one. */
  readonly first: number;
  readonly last: number;
}

/** From the lines of `--trace-gc`: `Scavenge 17.7 (28.0) -> 11.3 (28.0) MB`. */
function collected(trace: string): Collected {
  const lines = [...trace.matchAll(/: \S.*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB/g)];
  const heaps = lines.map(([, before, after]) => [Number(before) * MiB, Number(after) * MiB]);
  let allocated = 0;
  for (let at = 1; at < heaps.length; at++) {
    allocated += (heaps[at]?.[0] ?? 0) - (heaps[at - 1]?.[1] ?? 0);
  }
  return { allocated, first: heaps[0]?.[1] ?? 0, last: heaps.at(-1)?.[1] ?? 0 };
}

async function started(socket: string): Promise<{ child: ChildProcess; out: () => string }> {
  const words = ['-U', socket, '--no-control', 'size=64', 'memory_backed=1', '--busy-poll', '0'];
  const child = spawn(process.execPath, ['--trace-gc', program, ...words, '--log-level', 'error'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  while (!existsSync(socket) && child.exitCode === null) await sleep(5);
  return { child, out: () => out };
}

test.each([
  // What is left are parts of a batch: Node's own of a read and a write, the view of the reply.
  { command: 'read', most: 260 },
  // On a busy machine the 130 KiB of a batch of writes come in several pieces.
  { command: 'write', most: 800 },
] as const)(
  'a million requests of 4 KiB: $command, at most $most bytes each, and no growth',
  async ({ command, most }) => {
    const socket = join(folder(), 's');
    const { child, out } = await started(socket);
    const client = new BatchClient(socket);
    try {
      await client.greet();
      await client.run('write', 2048);
      await client.run(command, 2000);
      const warm = out().length;
      await client.run(command, BATCHES);
      const { allocated, first, last } = collected(out().slice(warm));
      const each = allocated / (DEPTH * BATCHES);
      process.stderr.write(`${command}: ${Math.round(each)} bytes allocated for each request\n`);
      expect(first).toBeGreaterThan(0);
      expect(each).toBeLessThan(most);
      expect(last - first).toBeLessThan(MiB);
    } finally {
      client.destroy();
      child.kill();
      await once(child, 'exit');
    }
  },
);
