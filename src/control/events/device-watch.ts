/** What happens to devices, as events. What may happen as often as requests is looked for only while somebody
 *  listens. Source: page.md section 4. */

import type { Devices } from '../../driver/devices.ts';
import type { NullDevice } from '../../driver/null-device.ts';
import { zoneConditionNames } from '../../driver/zones/zone.ts';
import type { Events } from './events.ts';

export class DeviceWatch {
  readonly #events: Events;
  readonly #devices: () => Devices;
  /** What ends the watch of a device's rules. */
  readonly #ends = new Map<NullDevice, () => void>();

  /** @param devices those that there are. */
  constructor(events: Events, devices: () => Devices) {
    this.#events = events;
    this.#devices = devices;
    events.onWatched = (watched) => this.#watch(watched);
  }

  /** A device was made, and has done nothing yet. */
  made(device: NullDevice): void {
    const { name, snapshots } = device;
    snapshots.onChanged = (snapshot, did) => {
      this.#events.publish('snapshot', name, { snapshot, did });
    };
    if (this.#events.watched) this.#begin(device);
  }

  /** It is served. */
  powered(device: NullDevice): void {
    const { name, disk, journal } = device;
    this.#events.publish('power', name, { power: 1 });
    if (journal !== undefined) {
      journal.onEnded = (reason) => this.#events.publish('journal', name, { reason });
    }
    if (disk === undefined) return;
    disk.onError = (error) => this.#events.publish('error', name, { ...error });
    if (this.#events.watched) this.#watchZones(device);
  }

  /** It is not served any more. */
  unpowered({ name }: NullDevice): void {
    this.#events.publish('power', name, { power: 0 });
  }

  gone(device: NullDevice): void {
    this.#end(device);
  }

  #watch(watched: boolean): void {
    for (const device of this.#devices()) {
      if (watched) this.#begin(device);
      else this.#end(device);
    }
  }

  #begin(device: NullDevice): void {
    const { name, rules } = device;
    const end = rules.listen((entry) => this.#events.publish('fault', name, { ...entry }));
    this.#ends.set(device, end);
    this.#watchZones(device);
  }

  #watchZones({ name, zones }: NullDevice): void {
    if (zones === undefined) return;
    zones.onChanged = (zone, from, to) => {
      const [was, is] = [zoneConditionNames[from], zoneConditionNames[to]];
      this.#events.publish('zone', name, { zone, sector: zones.start(zone), from: was, to: is });
    };
  }

  #end(device: NullDevice): void {
    this.#ends.get(device)?.();
    this.#ends.delete(device);
    if (device.zones !== undefined) device.zones.onChanged = undefined;
  }
}
