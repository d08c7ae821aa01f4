/** What an operator does with snapshots while clients are at work: takes them, goes back to them, makes clones
 *  and removes both; and cuts the power. What was kept must be what the device may have held then. */

import { createClone } from '../../src/control/snapshots/clone.ts';
import { cutPower } from '../../src/control/snapshots/cut.ts';
import { cutKeeps } from '../../src/driver/snapshots/power-cut.ts';
import { alone, comesBack, goes } from './changes.ts';
import type { SimDevice } from './device.ts';
import { type Action, CALL_NS, DRAIN_NS, type Operator } from './operator.ts';
import { compare, compareDiff } from './stored.ts';

const MS = 1e6;
const SNAPSHOTS_MAX = 4;

export const snapshotActions: readonly Action[] = [
  { feature: 'snapshots', weight: 6, run: take },
  { feature: 'snapshots', weight: 6, run: goBack },
  { feature: 'snapshots', weight: 4, run: clone },
  { feature: 'snapshots', weight: 3, run: look },
  { feature: 'snapshots', weight: 3, run: destroy },
  { feature: 'power-cuts', weight: 2, run: cut },
  { feature: 'diffs', weight: 3, run: differ },
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
  const before = device.zones?.idle() ?? [];
  const done = await alone(operator, device, `snapshot ${name}`, () =>
    tree.alone(device.name, async (of) => of.snapshots.add(name, await of.image())),
  );
  if (done) {
    model.kept(held);
    const zones = device.zones?.untouched(before) ?? [];
    snapshots.set(name, { held, zones, opened: device.opened });
  }
  bad.busy = false;
}

async function goBack(operator: Operator, device: SimDevice): Promise<void> {
  const { bad, model, snapshots } = device;
  const name = someName(operator, device);
  const kept = snapshots.get(name ?? '');
  if (name === undefined || kept === undefined || bad.busy) return;
  if (device.zoned && !mayGoBack(operator, device)) return;
  bad.busy = true;
  const { tree } = operator.simulation;
  const begun = model.tick++;
  device.rollbacks++;
  bad.begin(false, 0, bad.sectors);
  device.beginZones();
  const done = await alone(operator, device, `rollback ${name}`, () =>
    tree.alone(device.name, async (of) => await of.become(of.snapshots.imageOf(name))),
  );
  bad.end(false, 0, bad.sectors, done, true);
  if (done) {
    model.rolledBack(kept.held, begun);
    device.epoch++;
    device.opened ||= kept.opened;
    device.zones?.became(kept.zones, `going back to ${name}`, false);
  }
  device.endZones();
  device.rollbacks++;
  bad.busy = false;
}

/** Nothing is under way of which nobody could say what came of it. */
function mayGoBack({ simulation }: Operator, { offline, appends }: SimDevice): boolean {
  return simulation.plan.has.has('zoned-rollbacks') && !offline.busy && appends === 0;
}

/** Lives for a while, and is then what it was at its beginning. */
async function clone(operator: Operator, device: SimDevice): Promise<void> {
  const { model } = device;
  const { tree } = operator.simulation;
  const name = someName(operator, device);
  const kept = device.snapshots.get(name ?? '')?.held;
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
  const held = device.snapshots.get(name ?? '')?.held;
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

async function differ(operator: Operator, device: SimDevice): Promise<void> {
  const [one, other] = [someName(operator, device), someName(operator, device)];
  if (one === undefined || other === undefined) return;
  await compareDiff(operator, device, `${device.name}@${one}`, `${device.name}@${other}`);
}

async function cut(operator: Operator, device: SimDevice): Promise<void> {
  const { simulation, random } = operator;
  if (device.zoned && !mayBeCut(operator, device)) return;
  const keep = random.pick(cutKeeps.slice(0, 3));
  const words = { keep, down: 'stay', seed: random.below(1000) };
  const boundNs = CALL_NS + DRAIN_NS + simulation.patience(device);
  device.heldUpNs += DRAIN_NS;
  const work = (): Promise<unknown> => cutPower(simulation.tree, device.name, words);
  // From here on nobody begins anything with a zone.
  const going = goes(operator, device, { what: `cut keep=${keep}`, work, boundNs, force: true });
  const before = device.zones?.idle();
  await going;
  device.wasCut(before);
  await comesBack(operator, device);
}

/** As above. */
function mayBeCut({ simulation }: Operator, { offline }: SimDevice): boolean {
  return simulation.plan.has.has('zoned-cuts') && !offline.busy;
}
