/** tnull in a child process, with devices of every kind, and what is visible from outside: its control API,
 *  memory, handles, output. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { newFolder } from '../run-folder.ts';
import { testThreadFlags } from '../threads-of-tests.ts';

const MiB = 1 << 20;

export interface Kind {
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  /** Where the honest client's data is; undefined: it has none there. */
  readonly honest: { readonly start: number; readonly length: number } | undefined;
  readonly zoned?: boolean;
  /** Requests within the rules may fail. */
  readonly faulty?: boolean;
  /** It is powered off and on, and its queues change, while it is fuzzed. */
  readonly restless?: boolean;
}

/** Begins and ends inside a block, so that its edges are shared with those who fuzz beside it. */
const beside = { start: 16 * MiB + 1000, length: 2 * MiB + 77 };
const oneQueue = { submit_queues: 1, poll_queues: 0 };
const memory = { ...oneQueue, size: 64, memory_backed: 1, discard: 1 };

export const kinds: readonly Kind[] = [
  { name: 'plain', attributes: memory, honest: beside },
  { name: 'bs4096', attributes: { ...memory, blocksize: 4096 }, honest: beside },
  { name: 'cache', attributes: { ...memory, cache_size: 4 }, honest: beside },
  {
    name: 'zoned',
    attributes: {
      ...oneQueue,
      size: 64,
      memory_backed: 1,
      zoned: 1,
      zone_size: 4,
      zone_nr_conv: 2,
    },
    honest: { start: 32 * MiB, length: 4 * MiB },
    zoned: true,
  },
  {
    name: 'timer',
    attributes: { ...memory, irqmode: 2, completion_nsec: 100_000, submit_queues: 2 },
    honest: beside,
  },
  {
    name: 'narrow',
    attributes: { ...memory, hw_queue_depth: 1, max_sectors: 64, irqmode: 1 },
    honest: beside,
  },
  { name: 'polled', attributes: { ...memory, poll_queues: 1 }, honest: beside },
  { name: 'null', attributes: { ...oneQueue, size: 1 << 20 }, honest: undefined },
  {
    name: 'faulty',
    attributes: {
      ...{ ...memory, requeue_inject: '2,50,0,-1', badblocks_partial_io: 1 },
      badblocks: '+8-15',
    },
    honest: undefined,
    faulty: true,
  },
  {
    name: 'restless',
    attributes: {
      ...{ size: 64, memory_backed: 1, discard: 1, blocksize: 4096, hw_queue_depth: 2 },
      ...{ irqmode: 2, completion_nsec: 300_000, cache_size: 1 },
    },
    honest: undefined,
    faulty: true,
    restless: true,
  },
];

const program = join(process.cwd(), 'bin/tnull.js');
/** What the program starts with is what its devices may have at most. */
const QUEUES = ['submit_queues=2', 'poll_queues=1'];
const STDERR_KEPT = 32 * 1024;

export class Tnull {
  readonly socket: string;
  readonly #control: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  #said = '';
  /** Why the run must stop. Undefined: all is well. */
  trouble: string | undefined;
  #stopping = false;

  private constructor(folder: string, nodeFlags: readonly string[]) {
    this.#folder = folder;
    this.socket = join(folder, 's');
    this.#control = join(folder, 'c');
    this.#child = spawn(
      process.execPath,
      [
        ...nodeFlags,
        program,
        ...testThreadFlags,
        '-U',
        this.socket,
        '--control',
        this.#control,
        'nr_devices=0',
        ...QUEUES,
      ],
      { env: { ...process.env, TNULL_DEBUG: '1' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child.stderr?.on('data', (data: Buffer) => this.#hear(String(data)));
    // Not `exit`: what it said last may come after that.
    this.#child.on('close', (code, signal) => {
      if (!this.#stopping) this.trouble ??= `it ended with ${code ?? signal}`;
    });
  }

  /** @param nodeFlags for the daemon's Node. @throws what it said when it ends before it answers. */
  static async start(
    made: readonly Kind[] = kinds,
    nodeFlags: readonly string[] = [],
  ): Promise<Tnull> {
    const tnull = new Tnull(newFolder(), nodeFlags);
    try {
      // Not until its files are there: they come one by one, and before their sockets listen.
      while (!(await tnull.#answers())) await pause(25);
    } catch (error) {
      await tnull.stop();
      throw error;
    }
    for (const kind of made) {
      const { status, text } = await tnull.call('PUT', `/v1/devices/${kind.name}`, {
        ...kind.attributes,
        power: 1,
      });
      if (status !== 201) throw new Error(`${kind.name}: ${status} ${text}`);
    }
    return tnull;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get said(): string {
    return this.#said;
  }

  /** RSS in MiB. */
  rss(): number {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      return 0; // it has ended, which `trouble` tells
    }
  }

  handles(): number {
    try {
      return readdirSync(`/proc/${this.pid}/fd`).length;
    } catch {
      return 0; // it has ended, which `trouble` tells
    }
  }

  /** A body of bytes goes as it is, any other as JSON. */
  call(method: string, path: string, body?: object | Buffer): Promise<Answer> {
    const raw = body instanceof Buffer;
    const text = body === undefined || raw ? body : JSON.stringify(body);
    const type = raw ? 'application/octet-stream' : 'application/json';
    const headers = text === undefined ? {} : { 'content-type': type };
    return new Promise((resolve, reject) => {
      const call = request(
        { socketPath: this.#control, method, path, headers, agent: false, timeout: 30_000 },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, text: String(Buffer.concat(parts)) });
          });
          response.on('error', reject);
        },
      );
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer for 30 s`)));
      call.on('error', reject);
      call.end(text);
    });
  }

  /** @returns its exit status. */
  async stop(): Promise<number | null> {
    this.#stopping = true;
    const child = this.#child;
    const ended = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
    await ended;
    clearTimeout(timer);
    rmSync(this.#folder, { recursive: true, force: true });
    return child.exitCode;
  }

  /** @throws what it said when it has ended. */
  async #answers(): Promise<boolean> {
    if (this.trouble !== undefined) throw new Error(`${this.trouble}: ${this.#said}`);
    return this.call('GET', '/v1').then(
      () => true,
      () => false, // not there yet, or about to end
    );
  }

  #hear(text: string): void {
    const lines = text.split('\n').filter((line) => !/"level":[23]0/.test(line));
    this.#said = (this.#said + lines.join('\n')).slice(-STDERR_KEPT);
    const bug = /.*(bug:|uncaught|unhandled|FATAL).*/i.exec(text);
    if (bug !== null) this.trouble ??= bug[0];
  }
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
