/** The cost of the driver's features: tnull with each of them beside tnull without, in turns. */

import { smallCases } from '../cases.ts';
import { call, waitForControl } from '../control.ts';
import type { Context, Group } from '../group.ts';
import { type Kind, tnull } from '../kinds.ts';
import { measureSpeed, short } from './speed.ts';

const BAD_RANGES = 10_000;
/** Where the bad ranges begin: behind everything that is read and written, so that nothing fails. */
const BAD_FIRST = 2 ** 21;

/** Twice as large as needed, so that there is room that is never touched. */
function feature(name: string, args: readonly string[], mib: number): Kind {
  return tnull(['--memory-backed', `size=${2 * mib}`, ...args], name);
}

function badBlocks(mib: number): Kind {
  const plain = feature('bad blocks', [], mib);
  return {
    name: plain.name,
    command: (place) => [...plain.command(place), '--control', `${place.socket}.ctl`],
    prepare: ({ socket }) => setBadBlocks(`${socket}.ctl`),
  };
}

async function setBadBlocks(control: string): Promise<void> {
  const ranges = Array.from({ length: BAD_RANGES }, (_, i) => {
    const first = BAD_FIRST + 16 * i;
    return `+${first}-${first + 7}`;
  });
  await waitForControl(control);
  await call(control, 'PATCH', '/v1/devices/nullb0', { badblocks: ranges.join('\n') });
}

/** Zones are written in order: random writes go to conventional ones, which pass the same rules. */
function kinds({ mib }: Context): Kind[] {
  return [
    feature('plain', [], mib),
    badBlocks(mib),
    feature('cache', ['cache_size=64'], mib),
    feature('zones', ['--zoned', 'zone_size=1', `zone_nr_conv=${mib}`], mib),
  ];
}

export const features: Group = {
  name: 'features',
  about: `bandwidth with ${BAD_RANGES} bad ranges, a write cache of 64 MiB, zones`,
  pairs: [
    ['bad blocks', 'plain'],
    ['cache', 'plain'],
    ['zones', 'plain'],
  ],
  kinds,
  run: (context, some) => measureSpeed(short(context), some, { cases: smallCases }),
};
