/** A client that never sleeps, so that its kernel's wake-up time is no part of a latency. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Background, ProgramError, run } from './processes.ts';
import type { Server } from './servers.ts';

/** In microseconds, but for the number of reads. */
export interface Latencies {
  readonly reads: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface SpinOptions {
  readonly depth?: number;
  readonly seconds?: number;
  /** Of one read; 4096. */
  readonly bytes?: number;
}

/** @param text what spin.c printed: words `name=number`. @throws ProgramError. */
export function parseSpin(text: string): Latencies {
  const found = new Map(
    [...text.matchAll(/(\w+)=([\d.]+)/g)].map(([, name = '', digits]) => [name, Number(digits)]),
  );
  const number = (name: string): number => {
    const one = found.get(name);
    if (one === undefined) throw new ProgramError(`spin said no ${name}: '${text.trim()}'`);
    return one;
  };
  const [min, p50, p99] = [number('min'), number('p50'), number('p99')];
  return { reads: number('reads'), min, p50, p99, p999: number('p999'), max: number('max') };
}

function argumentsOf(server: Server, { depth = 1, seconds = 1, bytes = 4096 }: SpinOptions) {
  const numbers = [depth, bytes, Math.round(seconds * 1000)].map(String);
  return [server.address, server.exportName, ...numbers];
}

/** Reads for some time. @param program of `build('spin')`. @throws ProgramError. */
export async function spin(
  program: string,
  server: Server,
  options: SpinOptions,
): Promise<Latencies> {
  return parseSpin(await run(program, argumentsOf(server, options)));
}

/** A client that reads until it is stopped. */
export class Spinner {
  readonly #process: Background;

  private constructor(process: Background) {
    this.#process = process;
  }

  /** @returns the client when its first replies are there, so that everything it reports happened later. */
  static async start(program: string, server: Server): Promise<Spinner> {
    const process = new Background(program, argumentsOf(server, { seconds: 60 }));
    while (!process.stdout.includes('ready')) {
      process.check();
      await sleep(1);
    }
    return new Spinner(process);
  }

  /** From now on: reads that ended before are not reported. */
  forget(): void {
    this.#process.signal('SIGUSR1');
  }

  async stop(): Promise<Latencies> {
    return parseSpin(await this.#process.stop());
  }
}
