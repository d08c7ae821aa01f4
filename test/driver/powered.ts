/** A powered device in a world that is moved by hand. */

import type { Disk } from '../../src/block/disk.ts';
import type { NullData } from '../../src/driver/completion.ts';
import { Devices } from '../../src/driver/devices.ts';
import type { NullDevice } from '../../src/driver/null-device.ts';
import { createSlabAllocator, type SlabAllocator } from '../../src/pages/allocator.ts';
import { bug } from '../../src/units.ts';
import type { World } from '../block/world.ts';
import { options } from '../config/words.ts';

export interface PoweredDevice {
  readonly devices: Devices;
  readonly device: NullDevice;
  readonly disk: Disk<NullData>;
}

/** `nullb0` with `words` (`name=value`), on; nobody serves it.
 *  @param prepare is called before power on. */
export function poweredDevice(
  world: World,
  words: readonly string[],
  allocator: SlabAllocator = createSlabAllocator(),
  prepare: (device: NullDevice) => void = () => {},
): PoweredDevice {
  const { clock, timers, deferred } = world;
  const start = options(...words);
  const devices = new Devices(
    { clock, timers, deferred, allocator, debug: true, faultSeed: 'test' },
    start,
    { added: () => {}, removed: () => Promise.resolve() },
  );
  const device = devices.create('nullb0');
  prepare(device);
  device.powerOn(start);
  return { devices, device, disk: device.disk ?? bug('a powered device without a disk') };
}
