/** What an operator does with snapshots while clients are at work: takes them, goes back to them, makes clones
 *  and removes both; and cuts the power. What was kept must be what the device may have held then. */

import { createClone, withImage } from '../../src/control/snapshots/clone.ts';
import { cutPower } from '../../src/control/snapshots/cut.ts';
import { readable } from '../../src/driver/snapshots/content.ts';
import { endImage } from '../../src/driver/snapshots/device-image.ts';
import { cutKeeps } from '../../src/driver/snapshots/power-cut.ts';
import { bytes, sector } from '../../src/units.ts';
import { alone, comesBack, goes } from './changes.ts';
import type { SimDevice } from './device.ts';
import type { Held } from './model.ts';
import { type Action, CALL_NS, DRAIN_NS, type Operator } from './operator.ts';

const MS = 1e6;
const SECTOR_BYTES = 512;
const SNAPSHOTS_MAX = 4;

export const snapshotActions: readonly Action[] = [
  { feature: 'snapshots', weight: 6, run: take },
  { feature: 'snapshots', weight: 6, run: goBack },
  { feature: 'snapshots', weight: 4, run: clone },
  { feature: 'snapshots', weight: 3, run: look },
  { feature: 'snapshots', weight: 3, run: destroy },
  { feature: 'power-cuts', weight: 2, run: cut },
];

function someName(operator: Operator, device: SimDevice): string | undefined {
  const names = [...device.snapshots.keys()];
  return names.length === 0 ? undefined : operator.random.pick(names);
}

async function take(operator: Operator, device: SimDevice): Promise<void> {
  const { bad, model, snapshots } = device;
  // Which sectors are bad is kept as well: here none are.
  if (snapshots.size === SNAPSHOTS_MAX || bad.busy || bad.count > 0) return;
  bad.busy = true;
  const name = `s${model.tick}`;
  const { tree } = operator.simulation;
  const held = model.keep();
  const done = await alone(operator, device, `snapshot ${name}`, () =>
    tree.alone(device.name, async (of) => of.snapshots.add(name, await of.image())),
  );
  if (done) {
    model.kept(held);
    snapshots.set(name, held);
  }
  bad.busy = false;
}

async function goBack(operator: Operator, device: SimDevice): Promise<void> {
  const { bad, model, snapshots } = device;
  const name = someName(operator, device);
  const held = snapshots.get(name ?? '');
  // Where each zone begins to be written would have to be known.
  if (name === undefined || held === undefined || bad.busy || device.zoned) return;
  bad.busy = true;
  const { tree } = operator.simulation;
  const begun = model.tick++;
  device.rollbacks++;
  bad.begin(false, 0, bad.sectors);
  const done = await alone(operator, device, `rollback ${name}`, () =>
    tree.alone(device.name, async (of) => await of.become(of.snapshots.imageOf(name))),
  );
  bad.end(false, 0, bad.sectors, done, true);
  if (done) {
    model.rolledBack(held, begun);
    device.epoch++;
  }
  device.rollbacks++;
  bad.busy = false;
}

/** Lives for a while, and is then what it was at its beginning. */
async function clone(operator: Operator, device: SimDevice): Promise<void> {
  const { model } = device;
  const { tree } = operator.simulation;
  const name = someName(operator, device);
  const kept = device.snapshots.get(name ?? '');
  const held = kept ?? model.keep();
  const place = name === undefined ? device.name : `${device.name}@${name}`;
  const own = `${device.name}-${model.tick}`;
  const made = await alone(operator, device, `clone ${place} ${own}`, () =>
    createClone(tree, place, own, new Map()),
  );
  if (!made) return;
  if (kept === undefined) model.kept(held);
  await operator.sleep(50 * MS);
  await compare(operator, device, own, held);
  await operator.call(device, `remove ${own}`, () => tree.remove(own), [], CALL_NS);
}

async function look(operator: Operator, device: SimDevice): Promise<void> {
  const name = someName(operator, device);
  const held = device.snapshots.get(name ?? '');
  if (held !== undefined) await compare(operator, device, `${device.name}@${name}`, held);
}

async function destroy(operator: Operator, device: SimDevice): Promise<void> {
  const name = someName(operator, device);
  if (name === undefined) return;
  const { tree } = operator.simulation;
  device.snapshots.delete(name);
  await operator.call(
    device,
    `destroy ${name}`,
    () => tree.alone(device.name, async (of) => of.snapshots.destroy(name)),
    [],
    CALL_NS,
  );
}

/** Reads what clients use of a device or a snapshot, and compares. */
async function compare(
  operator: Operator,
  device: SimDevice,
  place: string,
  held: Held,
): Promise<void> {
  const { tree } = operator.simulation;
  const { base, cells, cellBytes } = device.plan;
  const words = new Uint32Array((cells * cellBytes) / 4);
  const read = async (): Promise<void> => {
    const [image, of] = await withImage(tree, place, async (...both) => both);
    const { allocator } = of.device.context;
    const end = Math.ceil((base + cells * cellBytes) / SECTOR_BYTES) * SECTOR_BYTES;
    const first = Math.floor(base / SECTOR_BYTES);
    const all = new Uint8Array(end - first * SECTOR_BYTES);
    readable(image, allocator, bytes(end)).read(sector(first), all, 0, all.length);
    void tree.slicer.run(endImage(image));
    const start = base - first * SECTOR_BYTES;
    new Uint8Array(words.buffer).set(all.subarray(start, start + words.byteLength));
  };
  const done = await operator.call(device, `read ${place}`, read, [], CALL_NS);
  // Behind the pointers of its zones a device shows ones, which are not in its data; and with rules nobody
  // knows what was written.
  const isKnown = device.model.keeps && !device.zoned && !operator.simulation.plan.rules;
  if (done && isKnown) device.model.checkHeld(words, held);
}

async function cut(operator: Operator, device: SimDevice): Promise<void> {
  const { simulation, random } = operator;
  // Zones keep their pointers and conditions over a cut: a power off forgets them, and so does the model.
  if (device.zoned) return;
  const keep = random.pick(cutKeeps.slice(0, 3));
  const words = { keep, down: 'stay', seed: random.below(1000) };
  const boundNs = CALL_NS + DRAIN_NS + simulation.patience(device);
  device.heldUpNs += DRAIN_NS;
  const work = (): Promise<unknown> => cutPower(simulation.tree, device.name, words);
  await goes(operator, device, { what: `cut keep=${keep}`, work, boundNs, force: true });
  device.lostPower();
  await comesBack(operator, device);
}
