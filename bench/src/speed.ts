/** Every case on every server, alternating within a round; the median over the rounds counts. */

import type { Case } from './cases.ts';
import { bandwidth, fill } from './fio.ts';
import { type Kind, Server } from './servers.ts';

export interface SpeedOptions {
  readonly cases: readonly Case[];
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly mib: number;
  readonly folder: string;
  progress(text: string): void;
}

export interface Measured {
  /** Bytes per second, one for each round. */
  readonly rounds: readonly number[];
  readonly median: number;
}

export interface CaseResult {
  readonly name: string;
  readonly servers: Readonly<Record<string, Measured>>;
}

/** The servers run side by side for the whole time, so that each round meets the same machine. */
export async function measureSpeed(
  kinds: readonly Kind[],
  options: SpeedOptions,
): Promise<CaseResult[]> {
  const { cases, rounds, seconds, mib, folder, progress } = options;
  const servers: Server[] = [];
  const samples = new Map<string, number[]>();
  try {
    for (const kind of kinds) servers.push(await Server.start(kind, folder, mib));
    for (const server of servers) await fill(server.uri, mib);
    for (const one of cases) {
      for (let round = 0; round < rounds; round++) {
        for (let turn = 0; turn < servers.length; turn++) {
          const server = servers[(turn + round) % servers.length]; // nobody is always the first
          if (server === undefined) continue;
          const key = `${one.name}/${server.name}`;
          const speed = await bandwidth(server.uri, one, mib, seconds);
          samples.set(key, [...(samples.get(key) ?? []), speed]);
        }
        progress(`${one.name}: round ${round + 1} of ${rounds}`);
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  return cases.map(({ name }) => ({
    name,
    servers: Object.fromEntries(
      kinds.map((kind) => [kind.name, measured(samples.get(`${name}/${kind.name}`) ?? [])]),
    ),
  }));
}

function measured(rounds: readonly number[]): Measured {
  return { rounds, median: median(rounds) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Median of `server` over median of `peer`. */
export function ratio(result: CaseResult, server: string, peer: string): number {
  return (
    (result.servers[server]?.median ?? Number.NaN) / (result.servers[peer]?.median ?? Number.NaN)
  );
}
