/** All devices by name, the tag set that some of them share, and who is told about power.
 *  Source: driver.md section 1 (nr_devices, shared_tags, index). */

import type { TagSet } from '../block/tag-set.ts';
import { ErrnoError } from '../config/errors.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { Scheduler } from '../time/clock.ts';
import { Slicer, type Work } from '../time/slicer.ts';
import type { NullData } from './completion.ts';
import { type DeviceHost, NullDevice } from './null-device.ts';
import { deviceTags, makeTagSet } from './null-tag-set.ts';
import type { DeviceContext } from './parts.ts';

/** Shows powered devices to clients. */
export interface PowerListener {
  added(device: NullDevice): void;
  /** Resolves when the last request of the device's clients has ended. */
  removed(device: NullDevice): Promise<void>;
  /** The remaining clients of a removed device end soon. */
  hurry?(device: NullDevice): void;
  /** The connections of the device's clients are reset. */
  cut?(device: NullDevice): void;
}

/** Long work that ends requests runs in the data path's turns, which send the replies. */
function inTurns({ deferred }: DeviceContext): Pick<Scheduler, 'immediate'> {
  return {
    immediate(callback) {
      deferred.raiseNextTurn({ raised: false, runDeferred: callback });
    },
  };
}

export class Devices implements DeviceHost {
  readonly #context: DeviceContext;
  /** The program's parameters, which the shared tag set is built from. */
  readonly #start: DeviceOptions;
  readonly #listener: PowerListener;
  readonly slicer: Slicer;
  readonly #byName = new Map<string, NullDevice>();
  /** Of powered devices; every number below `#lowest` is taken. */
  readonly #indexes = new Set<number>();
  #lowest = 0;
  #sharedTags: TagSet<NullData> | undefined;

  constructor(context: DeviceContext, start: DeviceOptions, listener: PowerListener) {
    this.#context = context;
    this.#start = start;
    this.#listener = listener;
    this.slicer = new Slicer(context.clock, inTurns(context));
  }

  /** Makes a device that is off. @throws ErrnoError EEXIST. */
  create(name: string): NullDevice {
    if (this.#byName.has(name))
      throw new ErrnoError('EEXIST', `${name}: the device exists already`);
    const device = new NullDevice(name, this.#context, this, this.#start);
    this.#byName.set(name, device);
    return device;
  }

  /** Powers the device off and frees its data. @param force see NullDevice.powerOff. @throws ErrnoError
   *  ENOENT. */
  async remove(name: string, force = false): Promise<void> {
    const device = this.#byName.get(name);
    if (device === undefined) throw new ErrnoError('ENOENT', `${name}: no such device`);
    await device.powerOff(force);
    await device.free();
    this.#byName.delete(name);
  }

  /** What all devices have in flight, for humans, one after the other. Empty: nothing. */
  inFlight(): string {
    const busy = Array.from(this, (device) => [device.name, device.inFlight()] as const);
    return busy
      .filter(([, text]) => text !== '')
      .map(([name, text]) => `${name}: ${text}`)
      .join('; ');
  }

  get(name: string): NullDevice | undefined {
    return this.#byName.get(name);
  }

  [Symbol.iterator](): IterableIterator<NullDevice> {
    return this.#byName.values();
  }

  takeIndex(): number {
    while (this.#indexes.has(this.#lowest)) this.#lowest++;
    this.#indexes.add(this.#lowest);
    return this.#lowest;
  }

  giveIndex(index: number): void {
    this.#indexes.delete(index);
    this.#lowest = Math.min(this.#lowest, index);
  }

  *prepareSharedTags(name: string): Work {
    if (this.#sharedTags !== undefined) return;
    const made = yield* deviceTags(name, this.#start, this.#context, true);
    // Another device may have been faster.
    this.#sharedTags ??= made;
  }

  sharedTags(): TagSet<NullData> {
    this.#sharedTags ??= makeTagSet(this.#start, this.#context, true);
    return this.#sharedTags;
  }

  added(device: NullDevice): void {
    this.#listener.added(device);
  }

  removed(device: NullDevice): Promise<void> {
    return this.#listener.removed(device);
  }

  cut(device: NullDevice): void {
    this.#listener.cut?.(device);
  }

  hurry(device: NullDevice): void {
    this.#listener.hurry?.(device);
  }
}
