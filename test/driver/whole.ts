/** Whole devices, as many as a test needs, and requests to them through the block layer. */

import { Command } from '../../src/block/command.ts';
import type { Disk } from '../../src/block/disk.ts';
import type { TagWaiter } from '../../src/block/scheduler.ts';
import type { NullData } from '../../src/driver/completion.ts';
import { Devices } from '../../src/driver/devices.ts';
import type { NullDevice } from '../../src/driver/null-device.ts';
import { createSlabAllocator, type SlabAllocator } from '../../src/pages/allocator.ts';
import { bug } from '../../src/units.ts';
import { TestBio, type World } from '../block/world.ts';
import { options } from '../config/words.ts';

export interface WholeOptions {
  readonly allocator?: SlabAllocator;
  /** Every moved-from handle throws. */
  readonly debug?: boolean;
  readonly seed?: string;
  /** Called when a device is shown no more; power off goes on when it has ended. */
  readonly removed?: (device: NullDevice) => Promise<void>;
}

/** Devices whose parameters are `words`; none yet. */
export function wholeDevices(
  world: World,
  words: readonly string[],
  {
    allocator = createSlabAllocator(),
    debug = true,
    seed = 'test',
    removed = () => Promise.resolve(),
  }: WholeOptions = {},
): Devices {
  const { clock, timers, deferred } = world;
  const context = { clock, timers, deferred, allocator, debug, faultSeed: seed };
  return new Devices(context, options(...words), { added: () => {}, removed });
}

export function diskOf(device: NullDevice): Disk<NullData> {
  return device.disk ?? bug(`${device.name} is off`);
}

/** A device of its own, on. */
export function wholeDevice(
  world: World,
  words: readonly string[],
  how: WholeOptions = {},
): { devices: Devices; device: NullDevice; disk: Disk<NullData> } {
  const devices = wholeDevices(world, words, how);
  const device = devices.create('nullb0');
  device.powerOn(options(...words));
  return { devices, device, disk: diskOf(device) };
}

/** A bio that waits for tags in its turn, and wants its data in memory of its own. */
export class Io extends TestBio implements TagWaiter {
  waiting = false;
  waitingSince = 0;
  #disk: Disk<NullData> | undefined;
  #user = 0;

  get waitsToRead(): boolean {
    return this.bio.command === Command.READ;
  }

  /** What a read brought. */
  get data(): Buffer {
    const bytes = this.bio.segments.buffer(0);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Through the queue of the disk's `n`-th user, reads as the map for reads says. */
  submit(disk: Disk<NullData>, n = 0): this {
    this.#disk = disk;
    this.#user = n;
    this.tagsFree();
    return this;
  }

  /** The queues may have changed since it began to wait. */
  tagsFree(): void {
    const { queue } = this.#disk ?? bug('tags for nobody');
    const own = this.waitsToRead ? queue.readHctx(this.#user) : queue.defaultHctx(this.#user);
    const hctx = queue.front?.before(own, this.#user + 1) ?? own;
    if (hctx.submit(this.bio)) hctx.unplug();
    else hctx.pool.wait(this);
  }

  override acceptsViews(): boolean {
    return false;
  }
}

/** A read of `sectors` from `first` on. */
export function read(first: number, sectors: number): Io {
  return new Io(Command.READ, first, sectors);
}

/** A write of `sectors` full of `byte`. @param flags of the request. */
export function write(first: number, sectors: number, byte: number, flags = 0): Io {
  const io = new Io(Command.WRITE, first, sectors, new Uint8Array(sectors * 512).fill(byte));
  io.bio.flags = flags;
  return io;
}

export function command(kind: Command, first = 0, sectors = 0): Io {
  return new Io(kind, first, sectors);
}

/** The bytes that every one of `sectors` from `first` on begins with. */
export function bytesAt(disk: Disk<NullData>, first: number, sectors = 1): number[] {
  const io = read(first, sectors).submit(disk);
  if (io.ends !== 1) bug('the device does not answer at once');
  return Array.from({ length: sectors }, (_, at) => io.data[at * 512] ?? -1);
}
