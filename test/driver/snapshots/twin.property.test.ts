/** Devices with snapshots and clones beside a naive twin that copies everything, with caches, zones and bad
 *  blocks; at the end nothing of their memory is left. Source: crash.md section 1. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { createClone } from '../../../src/control/snapshots/clone.ts';
import type { NullDevice } from '../../../src/driver/null-device.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { SLAB_OVERHEAD_BYTES } from '../../../src/pages/memory.ts';
import { PAGE_BYTES } from '../../../src/pages/slab.ts';
import { type ControlWorld, world } from '../../control/world.ts';
import { CountingAllocator } from '../../pages/counting-allocator.ts';
import { comparisons, same } from '../../same.ts';
import { testRuns } from '../../test-runs.ts';

const SECTORS = 2 * 2048;
const kinds = {
  flat: ['memory_backed=1', 'size=2', 'bs=512', 'discard=1'],
  cached: ['memory_backed=1', 'size=2', 'bs=512', 'discard=1', 'cache_size=1'],
  zoned: ['memory_backed=1', 'size=2', 'bs=512', 'zoned=1', 'zone_size=1', 'zone_nr_conv=1'],
} as const;
type Kind = keyof typeof kinds;

const actions = [
  ...['write', 'write', 'write', 'write', 'discard', 'zeroes', 'bad', 'append', 'reset'],
  ...['snapshot', 'snapshot', 'rollback', 'rollback', 'clone', 'destroy', 'power', 'remove'],
] as const;
const step = fc.record({
  action: fc.constantFrom(...actions),
  device: fc.nat(3),
  snapshot: fc.nat(3),
  first: fc.nat(SECTORS / 8 - 1).map((block) => block * 8),
  sectors: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 600 })),
  salt: fc.integer({ min: 1, max: 255 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Content {
  readonly data: Buffer;
  readonly bad: string;
  readonly zones: string;
}
/** A device as a client sees it. */
interface Twin {
  data: Buffer;
  bad: string;
  readonly snapshots: Map<string, Content>;
}

class Pair {
  readonly allocator = new CountingAllocator(createSlabAllocator({ poolSlabs: 0 }));
  readonly #kind: Kind;
  readonly #world: ControlWorld;
  readonly #twins = new Map<string, Twin>();
  #made = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
    this.#world = world({ words: kinds[kind], allocator: this.allocator });
  }

  async run(steps: readonly Step[]): Promise<void> {
    const name = this.#name();
    await this.#world.tree.create(name, new Map([['power', '1']]));
    const data = Buffer.alloc(SECTORS * 512);
    if (this.#kind === 'zoned') data.fill(0xff, 2048 * 512); // nothing is behind a write pointer
    this.#twins.set(name, { data, bad: '', snapshots: new Map() });
    for (const one of steps) await this.#act(one);
    for (const each of this.#twins.keys()) await this.#compare(each);
    for (const each of [...this.#twins.keys()]) await this.#world.tree.remove(each);
    for (let turn = 0; turn < 200 && this.allocator.live.size > 0; turn++) await nextTurn();
    same(this.allocator.live.size, 0);
    const slabs = this.allocator.charged;
    const resident = slabs.reduce((sum, slab) => sum + slab.residentPages * PAGE_BYTES, 0);
    same(this.allocator.memory.usedBytes, slabs.length * SLAB_OVERHEAD_BYTES + resident);
  }

  async #act({ action, device: which, snapshot, first, sectors, salt }: Step): Promise<void> {
    const names = [...this.#twins.keys()];
    const name = names[which % names.length];
    const twin = this.#twins.get(name ?? '');
    const { tree } = this.#world;
    if (name === undefined || twin === undefined) return;
    const device = this.#device(name);
    const snap = `s${snapshot}`;
    const kept = twin.snapshots.get(snap);
    const count = Math.min(sectors, SECTORS - first);
    switch (action) {
      case 'write':
      case 'append':
      case 'discard':
      case 'zeroes':
      case 'reset':
        return this.#change(device, twin, { action, first, sectors: count, salt });
      case 'bad':
        await tree.patch(name, new Map([['badblocks', `+${first}-${first}`]]));
        await tree.patch(name, new Map([['badblocks', `-${first}-${first + (salt % 2)}`]]));
        await tree.patch(name, new Map([['badblocks', `+${SECTORS + salt}-${SECTORS + salt}`]]));
        twin.bad = device.badBlocks.text();
        return;
      case 'snapshot':
        if (kept !== undefined) return;
        device.snapshots.add(snap, await device.image());
        twin.snapshots.set(snap, this.#content(device, twin));
        return;
      case 'rollback':
        if (kept === undefined) return;
        await device.become(device.snapshots.imageOf(snap));
        twin.data = Buffer.from(kept.data);
        twin.bad = kept.bad;
        same(zonesOf(device), kept.zones);
        return await this.#compare(name);
      case 'clone': {
        if (this.#twins.size === 3) return;
        const next = this.#name();
        const from = kept === undefined ? name : `${name}@${snap}`;
        await createClone(tree, from, next, new Map([['power', '1']]));
        const { data, bad, zones } = kept ?? this.#content(device, twin);
        this.#twins.set(next, { data: Buffer.from(data), bad, snapshots: new Map() });
        same(zonesOf(this.#device(next)), zones);
        return await this.#compare(next);
      }
      case 'destroy':
        if (kept !== undefined) device.snapshots.destroy(snap);
        twin.snapshots.delete(snap);
        return;
      case 'power': {
        // What is volatile is lost: here it is not to be.
        if (this.#kind === 'zoned') return;
        same((await device.flush()).status, Status.OK);
        await tree.patch(name, new Map([['power', '0']]));
        await tree.patch(name, new Map([['power', '1']]));
        return await this.#compare(name);
      }
      case 'remove':
        if (this.#twins.size === 1) return;
        this.#twins.delete(name);
        await tree.remove(name);
        return;
    }
  }

  #change(
    device: NullDevice,
    twin: Twin,
    { action, first, sectors, salt }: Pick<Step, 'action' | 'first' | 'sectors' | 'salt'>,
  ): void {
    if (this.#kind !== 'zoned') {
      if (action === 'append' || action === 'reset') return;
      return this.#plain(device, twin, { action, first, sectors, salt });
    }
    if (action === 'discard') return; // a zoned device has none
    // The first zone takes anything; the second is written at its pointer, or reset.
    if (first < 2048) {
      if (action === 'append' || action === 'reset') return;
      const inside = Math.min(sectors, 2048 - first);
      return this.#plain(device, twin, { action, first, sectors: inside, salt });
    }
    const pointer = device.zones?.writePointer(1) ?? 0;
    if (action === 'reset') {
      same(this.#world.command(device.name, Command.ZONE_RESET, 2048, 2048).status, Status.OK);
      twin.data.fill(0xff, 2048 * 512);
    } else if (action === 'append' && pointer + sectors <= SECTORS) {
      this.#plain(device, twin, { action: 'write', first: pointer, sectors, salt });
    }
  }

  #plain(
    device: NullDevice,
    { data }: Twin,
    { action, first, sectors, salt }: Pick<Step, 'action' | 'first' | 'sectors' | 'salt'>,
  ): void {
    const part = data.subarray(first * 512, (first + sectors) * 512);
    part.fill(0);
    if (action === 'write')
      for (let at = 0; at < part.length; at++) part[at] = (at * 7 + salt) & 255;
    const commands = {
      write: Command.WRITE,
      discard: Command.DISCARD,
      zeroes: Command.WRITE_ZEROES,
    };
    const command = commands[action === 'zeroes' || action === 'discard' ? action : 'write'];
    const source = action === 'write' ? part : undefined;
    same(this.#world.command(device.name, command, first, sectors, source).status, Status.OK);
  }

  #content(device: NullDevice, { data, bad }: Twin): Content {
    return { data: Buffer.from(data), bad, zones: zonesOf(device) };
  }

  async #compare(name: string): Promise<void> {
    const device = this.#device(name);
    const twin = this.#twins.get(name);
    same(device.badBlocks.text(), twin?.bad);
    for (let at = 0; at < SECTORS; at += 256) {
      const { status, segments } = this.#world.command(name, Command.READ, at, 256);
      const data = segments.buffer(0);
      same(status, Status.OK);
      same(Buffer.compare(data, twin?.data.subarray(at * 512, (at + 256) * 512) ?? data), 0);
    }
    if (this.allocator.live.size % 3 === 0) await nextTurn();
  }

  #device(name: string): NullDevice {
    const device = this.#world.devices.get(name);
    if (device === undefined) throw new Error(`${name} is not there`);
    return device;
  }

  #name(): string {
    return `d${this.#made++}`;
  }
}

function zonesOf({ zones }: NullDevice): string {
  return JSON.stringify(zones?.report() ?? []);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test.each(Object.keys(kinds) as Kind[])(
  'a %s device is as it was, and so are its clones',
  async (kind) => {
    const before = comparisons();
    const run = fc.asyncProperty(
      fc.array(step, { minLength: 40, maxLength: 80 }),
      async (steps) => {
        await new Pair(kind).run(steps);
      },
    );
    await fc.assert(run, { numRuns: testRuns(8) });
    expect(comparisons()).toBeGreaterThan(before);
  },
);
