/** What operators do to zones: management and appends, to one zone that nobody writes meanwhile. */

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
  const { model, name } = device;
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
    const sure = done && what === 'reset';
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
  const done = await operator.call(device, said, call, may, boundOf(operator, device));
  model.ended(version, done, true);
  if (done && went !== first)
    throw new Found('control', `${name}: ${said}: at ${went}, not ${first}`);
  return done;
}
