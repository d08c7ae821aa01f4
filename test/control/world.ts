/** The control tree over real devices, in a world that is moved by hand; no server shows them. */

import { Command } from '../../src/block/command.ts';
import { Status, statusErrno } from '../../src/block/status.ts';
import { Attributes } from '../../src/config/attributes.ts';
import { type Errno, ErrnoError } from '../../src/config/errors.ts';
import { Clients } from '../../src/control/events/clients.ts';
import { DeviceWatch } from '../../src/control/events/device-watch.ts';
import { Events } from '../../src/control/events/events.ts';
import { Tree } from '../../src/control/tree.ts';
import { Devices } from '../../src/driver/devices.ts';
import type { NullDevice } from '../../src/driver/null-device.ts';
import { createSlabAllocator, type SlabAllocator } from '../../src/pages/allocator.ts';
import type { DataMemory } from '../../src/pages/memory.ts';
import { systemClock, systemScheduler } from '../../src/time/clock.ts';
import { Slicer } from '../../src/time/slicer.ts';
import { TestBio, World } from '../block/world.ts';
import { MACHINE, resolved } from '../config/words.ts';

export type Texts = Readonly<Record<string, string>>;

/** Of its events. */
export const MARK = 'w1';

export interface ControlWorld {
  readonly devices: Devices;
  readonly tree: Tree;
  readonly events: Events;
  readonly clients: Clients;
  readonly memory: DataMemory;
  readonly notices: readonly string[];
  /** Lets so many seconds pass, each with what is due in it. */
  pass(seconds: number): void;
  /** A device that is there; made powered off. */
  device(name?: string): NullDevice;
  /** Changes attributes of nullb0. */
  patch(texts: Texts): Promise<unknown>;
  /** A client's write or read of nullb0, to its end. @returns its errno, or OK. */
  io(kind: 'read' | 'write', sector: number, sectors: number): (typeof statusErrno)[Status];
  /** A command of a client of any device, to its end. @returns its bio. */
  command(
    name: string,
    command: Command,
    sector: number,
    sectors: number,
    data?: Uint8Array,
  ): TestBio['bio'];
  /** What nullb0 holds. */
  data(sector: number, sectors: number): Uint8Array;
}

export interface Begin {
  /** Of long work; the default has the event loop's own turns. */
  readonly slicer?: Slicer;
  /** Parameters that the program was started with. */
  readonly words?: readonly string[];
  readonly allocator?: SlabAllocator;
}

export function world({
  words = [],
  allocator = createSlabAllocator(),
  slicer = new Slicer(systemClock, systemScheduler),
}: Begin = {}): ControlWorld {
  const time = new World();
  const { clock, timers, deferred } = time;
  const { options, start } = resolved(...words);
  const context = { clock, timers, deferred, allocator, debug: true, faultSeed: 'test' };
  const devices: Devices = new Devices(context, options, {
    added: (device) => watch.powered(device),
    removed: async (device) => watch.unpowered(device),
  });
  const notices: string[] = [];
  const events = new Events({ scheduler: systemScheduler, date: () => new Date() }, MARK);
  const watch = new DeviceWatch(events, () => devices);
  let arranged = false;
  time.turns.onNeeded = () => {
    if (arranged) return;
    arranged = true;
    setImmediate(() => {
      arranged = false;
      time.settle();
    });
  };
  const tree = new Tree({
    devices,
    slicer,
    makeAttributes: (name) => new Attributes(name, start, MACHINE),
    notice: (line) => notices.push(line),
    made: (device) => watch.made(device),
    gone: (device) => watch.gone(device),
    happened: (type, of, facts) => events.publish(type, of, facts),
  });
  const device = (name = 'nullb0'): NullDevice => devices.get(name) ?? devices.create(name);
  const send = (name: string, client: TestBio): TestBio => {
    const queue = device(name).disk?.queue;
    if (queue === undefined) throw new Error('power is 0');
    const straight = queue.defaultHctx(0);
    const hctx = queue.front?.before(straight, 1) ?? straight;
    if (!hctx.submit(client.bio)) throw new Error('no tag is free');
    hctx.unplug();
    time.settle();
    if (client.ends !== 1) throw new Error('the command has not ended');
    return client;
  };
  const io = (kind: 'read' | 'write', sector: number, sectors: number): TestBio => {
    if (kind === 'read') return send('nullb0', new Client(Command.READ, sector, sectors));
    const data = new Uint8Array(sectors * 512).fill(7);
    return send('nullb0', new Client(Command.WRITE, sector, sectors, data));
  };
  return {
    devices,
    tree,
    events,
    clients: new Clients(),
    memory: allocator.memory,
    notices,
    pass(seconds) {
      for (let left = seconds; left > 0; left--) time.pass(Math.min(left, 1) * 1e9);
    },
    device,
    patch: (texts) => tree.patch('nullb0', new Map(Object.entries(texts))),
    io: (kind, sector, sectors) => statusErrno[io(kind, sector, sectors).status],
    command: (name, command, sector, sectors, data) => {
      return send(name, new Client(command, sector, sectors, data)).bio;
    },
    data(sector, sectors) {
      const { bio, status } = io('read', sector, sectors);
      if (status !== Status.OK) throw new Error(statusErrno[status]);
      return bio.segments.buffer(0);
    },
  };
}

/** A client that takes copies. */
class Client extends TestBio {
  override acceptsViews(): boolean {
    return false;
  }
}

/** The refusal of `work`, which must be one. */
export async function refusal(work: () => unknown): Promise<ErrnoError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ErrnoError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

/** Its errno alone. */
export async function errnoOf(work: () => unknown): Promise<Errno> {
  return (await refusal(work)).errno;
}

/** Every request that begins from now on is lost, and ends with a timeout within 7 s. */
export function loseRequests(device: NullDevice, times = -1): void {
  device.faults.timeout.set({ probability: 100n });
  device.faults.timeout.set({ times: BigInt(times) });
}
