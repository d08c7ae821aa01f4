/** What operators do to zones that nobody writes meanwhile: management of one and of ranges, appends, and
 *  the conditions that only an operator gives. */

import type { Errno } from '../../src/config/errors.ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import { CALL_NS, type Operator } from './operator.ts';
import type { SimZone } from './zones.ts';

const SECTOR_BYTES = 512;
/** What a zone may refuse: its condition, or what the device has open. */
const REFUSED: readonly Errno[] = ['EIO', 'ETOOMANYREFS', 'EOVERFLOW'];

export async function manageZone(operator: Operator, device: SimDevice): Promise<void> {
  const { random } = operator;
  if (device.zones === undefined || device.leaving.open) return;
  const zone = random.pick(device.zones.sequential);
  if (zone.busy > 0 || !device.zones.claim(zone, operator, device.model.tick)) return;
  zone.busy++;
  const length = zone.last - zone.first;
  device.begins(length);
  const what = random.pick(['open', 'close', 'finish', 'reset', 'append', 'append'] as const);
  const done = await (what === 'append'
    ? append(operator, device, zone)
    : manage(operator, device, zone, what));
  device.over(length);
  zone.ended(done && what === 'append');
}

/** Several zones in a row, or all of them. */
export async function manageZones(operator: Operator, device: SimDevice): Promise<void> {
  const { random, simulation } = operator;
  const { zones } = device;
  if (zones === undefined || device.leaving.open) return;
  const what = random.pick(['open', 'close', 'finish', 'reset', 'reset', 'reset-all'] as const);
  const { sequential } = zones;
  const from = what === 'reset-all' ? 0 : random.below(sequential.length);
  const count = what === 'reset-all' ? sequential.length : random.between(1, 4);
  const range = sequential.slice(from, from + count);
  const held = claimAll(operator, device, range);
  const [first, last] = [range[0], range.at(-1)];
  if (held === undefined || first === undefined || last === undefined) return;
  // A reset of all leaves out zones that cannot be reset; else the first of them ends it.
  const resets = range.filter((zone) => zones.condemned(zone) === undefined);
  const length = last.last - first.first;
  device.begins(length);
  if (what === 'open' && device.attribute('zone_max_open') > 0) device.opened = true;
  const resetting = what === 'reset' || what === 'reset-all';
  const kind = resetting ? 'ones' : 'zeros';
  const { model, rollbacks } = device;
  const changed = what === 'open' || what === 'close' ? [] : resets;
  const begun = changed.map((zone) => model.beginConstant(kind, zone.first, zone.last));
  const discarded = resetting ? zones.discarded(range, what) : [];
  const call = (): Promise<unknown> =>
    simulation.control.zones(device.name, what, first.first, length);
  const bound = boundOf(operator, device);
  const said = `zones ${first.index}-${last.index} ${what}`;
  const done = await operator.call(device, said, call, REFUSED, bound);
  for (const [n, zone] of changed.entries()) {
    const begin = begun[n] ?? 0;
    // With the power off in between they were empty.
    const there = !device.leaving.holds(begin) && device.isInOrder(rollbacks);
    const sure = done && discarded.includes(zone) && there;
    model.endedConstant(kind, zone.first, zone.last, begin, sure, true);
  }
  device.over(length);
  for (const zone of range) zone.ended(false);
}

/** @returns undefined: somebody else has one of them. */
function claimAll(
  operator: Operator,
  { zones, model }: SimDevice,
  range: readonly SimZone[],
): true | undefined {
  if (zones === undefined || zones.closed || range.some(({ busy }) => busy > 0)) return undefined;
  for (const zone of range) {
    zones.claim(zone, operator, model.tick);
    zone.claims++;
    zone.owner = operator;
    zone.busy++;
  }
  return true;
}

/** Makes a zone read-only or offline, from one to the other, or empty again: whoever writes the condition
 *  that a zone has takes it away. */
export async function condemnZone(operator: Operator, device: SimDevice): Promise<void> {
  const { random } = operator;
  const { zones, model, offline } = device;
  if (zones === undefined || device.leaving.open) return;
  const zone = random.pick(zones.sequential);
  const before = zones.condemned(zone);
  const want = random.pick(['read-only', 'offline'] as const);
  // Most are to be written again soon.
  const next = before !== undefined && random.chance(0.8) ? before : want;
  if (claimAll(operator, device, [zone]) === undefined) return;
  offline.busy = true;
  const revives = next === before;
  const { first, last } = zone;
  const since = model.tick++;
  if (before === 'offline') offline.begin(false, first, last);
  else if (next === 'offline') offline.begin(true, first, last);
  // Without a write pointer what was never written reads as zeros; an empty zone as ones.
  const kind = revives ? 'ones' : 'zeros';
  const begun = model.beginConstant(kind, first, last);
  const name = next === 'offline' ? 'zone_offline' : 'zone_readonly';
  const sector = String(first + random.below(last - first));
  const done = await operator.patch(device, { [name]: sector }, ['EINVAL']);
  if (!done && !device.leaving.holds(since)) {
    throw new Found('control', `${device.name}: ${name}=${sector} was refused`);
  }
  model.endedConstant(kind, first, last, begun, done && revives, true);
  if (before === 'offline') offline.end(false, first, last, done, true);
  else if (next === 'offline') offline.end(true, first, last, done, true);
  offline.busy = false;
  zone.ended(false);
}

function boundOf(operator: Operator, device: SimDevice): number {
  // Alone, with nothing else to do: as long as it takes.
  const alone = operator.simulation.clients.every((one) => one.inFlight === 0);
  return CALL_NS + (alone ? 3 * device.workNs : operator.simulation.patience(device));
}

async function manage(
  operator: Operator,
  device: SimDevice,
  zone: SimZone,
  what: 'open' | 'close' | 'finish' | 'reset',
): Promise<boolean> {
  const { control } = operator.simulation;
  const { model, name, rollbacks } = device;
  if (what === 'open' && device.attribute('zone_max_open') > 0) device.opened = true;
  // A reset makes ones; behind a write pointer that is moved by force may be zeros, or what was there.
  const kind = what === 'reset' ? 'ones' : 'zeros';
  const changes = what === 'reset' || what === 'finish';
  const begun = changes ? model.beginConstant(kind, zone.first, zone.last) : 0;
  const call = (): Promise<unknown> => control.zones(name, what, zone.first, undefined);
  const bound = boundOf(operator, device);
  const said = `zone ${zone.index} ${what}`;
  const done = await operator.call(device, said, call, REFUSED, bound);
  if (changes) {
    const sure = done && what === 'reset' && device.isInOrder(rollbacks);
    model.endedConstant(kind, zone.first, zone.last, begun, sure, true);
  }
  return done;
}

async function append(operator: Operator, device: SimDevice, zone: SimZone): Promise<boolean> {
  const { control } = operator.simulation;
  const { model, name } = device;
  const sectors = (device.blockBytes / SECTOR_BYTES) * operator.random.between(1, 4);
  const first = zone.pointer;
  if (first + sectors > zone.end) return true;
  const since = model.tick;
  const version = model.begin(first, first + sectors);
  const words = new Uint32Array((sectors * SECTOR_BYTES) / 4);
  model.fill(words, 0, version, first, first + sectors);
  zone.pointer += sectors;
  let went = -1;
  const call = async (): Promise<void> => {
    went = await control.append(name, zone.first, new Uint8Array(words.buffer));
  };
  const may: Errno[] = [...REFUSED, 'EINVAL'];
  const said = `append of ${sectors} to zone ${zone.index}`;
  device.appends++;
  const done = await operator.call(device, said, call, may, boundOf(operator, device));
  device.appends--;
  // To rules it may be a write like any other: answered, and lost.
  const ruled = device.mayBeRuled(first * SECTOR_BYTES, sectors * SECTOR_BYTES, since);
  model.ended(version, done && !ruled, true);
  if (done && !ruled && went !== first)
    throw new Found('control', `${name}: ${said}: at ${went}, not ${first}`);
  return done && !ruled;
}
