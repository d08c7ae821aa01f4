/** The servers that are measured side by side, each with a device of memory on a unix socket. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Background, run } from './processes.ts';

const MIB = 1024 * 1024;
const here = dirname(fileURLToPath(import.meta.url));
const checkout = join(here, '..', '..');

export interface Kind {
  readonly name: string;
  command(socket: string, mib: number): readonly [string, ...string[]];
  /** What is to be done once the server runs. */
  prepare?(socket: string): Promise<void>;
}

/** The command of a tnull with `args`. */
export function tnull(args: readonly string[]): Kind {
  return {
    name: 'tnull',
    command: (socket, mib) => [
      process.execPath,
      join(checkout, 'bin', 'tnull.js'),
      ...['--log-level', 'error', '-U', socket, '--no-control', `size=${mib}`],
      ...args,
    ],
  };
}

export const nbdkit: Kind = {
  name: 'nbdkit',
  command: (socket, mib) => ['nbdkit', '-f', '-U', socket, 'memory', `${mib}M`],
};

/** Builds the C program `name` of this folder. @returns its path. @throws ProgramError. */
export async function build(name: string, folder: string): Promise<string> {
  const program = join(folder, name);
  await run('cc', ['-O2', '-o', program, join(here, '..', `${name}.c`)]);
  return program;
}

/** @returns the server that limit.c is. */
export async function limit(folder: string): Promise<Kind> {
  const program = await build('limit', folder);
  return { name: 'limit', command: (socket, mib) => [program, socket, String(mib * MIB)] };
}

export class Server {
  readonly name: string;
  readonly process: Background;
  readonly socket: string;
  readonly uri: string;
  /** From the start of the program until its socket was there, in ms. */
  readonly startTime: number;

  private constructor(name: string, process: Background, socket: string, startTime: number) {
    this.name = name;
    this.process = process;
    this.socket = socket;
    this.uri = `nbd+unix:///?socket=${socket}`;
    this.startTime = startTime;
  }

  /** Starts a server of `kind` with `mib` MiB. @throws ProgramError. */
  static async start(kind: Kind, folder: string, mib: number): Promise<Server> {
    const socket = join(folder, `s-${Math.random().toString(36).slice(2)}`);
    const begin = performance.now();
    const [program, ...args] = kind.command(socket, mib);
    const process = new Background(program, args);
    while (!existsSync(socket)) {
      process.check();
      await sleep(1);
    }
    const startTime = performance.now() - begin;
    await kind.prepare?.(socket);
    return new Server(kind.name, process, socket, startTime);
  }

  stop(): Promise<void> {
    return this.process.stop();
  }
}
