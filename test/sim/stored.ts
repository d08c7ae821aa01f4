/** What devices and snapshots hold, read as it is stored: beside what they may hold, and beside what is said of how two
 *  of them differ. */

import { withImage } from '../../src/control/snapshots/clone.ts';
import { differences } from '../../src/control/snapshots/data.ts';
import { readable } from '../../src/driver/snapshots/content.ts';
import { endImage } from '../../src/driver/snapshots/device-image.ts';
import { bytes, sector } from '../../src/units.ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Held } from './model.ts';
import { CALL_NS, type Operator } from './operator.ts';

const SECTOR_BYTES = 512;

/** Reads what clients use of a device or a snapshot, and compares. */
export async function compare(
  operator: Operator,
  device: SimDevice,
  place: string,
  held: Held,
): Promise<void> {
  const { base, cells, cellBytes } = device.plan;
  const words = new Uint32Array((cells * cellBytes) / 4);
  const read = async (): Promise<void> => {
    const all = await stored(operator, device, place);
    const start = base - Math.floor(base / SECTOR_BYTES) * SECTOR_BYTES;
    new Uint8Array(words.buffer).set(all.subarray(start, start + words.byteLength));
  };
  const done = await operator.call(device, `read ${place}`, read, [], CALL_NS);
  // What rules change nobody knows.
  const known = operator.simulation.plan.rules ? device.ruledFrom - base : words.byteLength;
  if (done && device.model.keeps) {
    device.model.checkHeld(words, held, Math.max(0, Math.floor(known / cellBytes)));
  }
}

/** The sectors that hold what clients use. */
async function stored({ simulation }: Operator, device: SimDevice, place: string) {
  const { tree } = simulation;
  const [image, of] = await withImage(tree, place, async (...both) => both);
  const [first, end] = sectorsOf(device);
  const all = Buffer.alloc((end - first) * SECTOR_BYTES);
  const from = readable(image, of.device.context.allocator, bytes(end * SECTOR_BYTES));
  from.read(sector(first), all, 0, all.length);
  void tree.slicer.run(endImage(image));
  return all;
}

function sectorsOf({ plan: { base, cells, cellBytes } }: SimDevice): readonly [number, number] {
  const end = Math.ceil((base + cells * cellBytes) / SECTOR_BYTES);
  return [Math.floor(base / SECTOR_BYTES), end];
}

/** What is kept does not change: two of these differ where what is read of them differs, and nowhere else. */
export async function compareDiff(
  operator: Operator,
  device: SimDevice,
  one: string,
  other: string,
): Promise<void> {
  const { tree } = operator.simulation;
  const said = `diff ${one} ${other}`;
  const work = async (): Promise<void> => {
    const runs = await differences(tree, one, other);
    const a = await stored(operator, device, one);
    const b = await stored(operator, device, other);
    const found = runs.map(({ first, sectors }) => `${first}+${sectors}`).join(' ');
    const expected = runsThatDiffer(a, b, sectorsOf(device)[0]).join(' ');
    if (found !== expected) throw new Found('data', `${said}: ${found}, not ${expected}`);
  };
  await operator.call(device, said, work, [], CALL_NS);
}

/** @param first sector of both. */
function runsThatDiffer(a: Buffer, b: Buffer, first: number): string[] {
  const runs: string[] = [];
  const isEqual = (sector: number): boolean => {
    const [from, end] = [sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES];
    return a.compare(b, from, end, from, end) === 0;
  };
  const count = a.length / SECTOR_BYTES;
  for (let at = 0; at < count; at++) {
    const begin = at;
    while (at < count && !isEqual(at)) at++;
    if (at > begin) runs.push(`${first + begin}+${at - begin}`);
  }
  return runs;
}
