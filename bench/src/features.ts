/** What features of the driver cost: tnull with each of them beside tnull without, in turns. */

import type { Case } from './cases.ts';
import { call } from './control.ts';
import { type Kind, tnull } from './servers.ts';
import { type CaseResult, measureSpeed, ratio, type SpeedOptions } from './speed.ts';

const BAD_RANGES = 10_000;
/** Where the bad ranges begin: behind what is read and written, so that nothing fails. */
const BAD_FIRST = 2 ** 21;

export const featureCases: readonly Case[] = [
  { name: 'randread 4k depth 32', rw: 'randread', bs: '4k', depth: 32, jobs: 1 },
  { name: 'randwrite 4k depth 32', rw: 'randwrite', bs: '4k', depth: 32, jobs: 1 },
];

/** The most that a feature may cost when it is on. */
const LEAST_RATIO = 0.85;
export const PLAIN = 'plain';

/** Twice as large as what is used, so that there is room for what must not be touched. */
const size = (mib: number): string => `size=${2 * mib}`;

function feature(name: string, args: readonly string[], mib: number): Kind {
  const plain = tnull(['--memory-backed', size(mib), ...args]);
  return { ...plain, name };
}

function badBlocks(mib: number): Kind {
  const plain = feature(`bad blocks, ${BAD_RANGES} ranges`, [], mib);
  return {
    name: plain.name,
    command: (socket, at) => [...plain.command(socket, at), '--control', `${socket}.ctl`],
    prepare: (socket) => setBadBlocks(`${socket}.ctl`),
  };
}

async function setBadBlocks(control: string): Promise<void> {
  const ranges = Array.from({ length: BAD_RANGES }, (_, i) => {
    const first = BAD_FIRST + 16 * i;
    return `+${first}-${first + 7}`;
  });
  await call(control, 'PATCH', '/v1/devices/nullb0', { badblocks: ranges.join('\n') });
}

/** Zones are written in order by their nature: random writes go to conventional ones, which pass the
 *  same rules. */
function kinds(mib: number): Kind[] {
  return [
    feature(PLAIN, [], mib),
    badBlocks(mib),
    feature('cache of 64 MiB', ['cache_size=64'], mib),
    feature('zones', ['--zoned', 'zone_size=1', `zone_nr_conv=${mib}`], mib),
  ];
}

export function measureFeatures(options: Omit<SpeedOptions, 'cases'>): Promise<CaseResult[]> {
  return measureSpeed(kinds(options.mib), { ...options, cases: featureCases });
}

/** @returns what costs more than it may, a line each. */
export function tooDear(results: readonly CaseResult[]): string[] {
  return results.flatMap((result) =>
    Object.keys(result.servers)
      .filter((name) => ratio(result, name, PLAIN) < LEAST_RATIO)
      .map(
        (name) => `${result.name}: ${name} is ${ratio(result, name, PLAIN).toFixed(2)} of plain`,
      ),
  );
}
