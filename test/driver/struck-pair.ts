/** A device with rules, moved by hand, and its naive twin beside it: each step acts on both, and all that can
 *  be seen is compared. For tests. */

import { expect } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { statusErrno } from '../../src/block/status.ts';
import type { Devices } from '../../src/driver/devices.ts';
import type { NullDevice } from '../../src/driver/null-device.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import type { LogEntry } from '../../src/rules/fault-log.ts';
import { parseRules } from '../../src/rules/plan.ts';
import { World } from '../block/world.ts';
import { options } from '../config/words.ts';
import type { Asked, TwinWords } from '../rules/twin.ts';
import { same } from '../same.ts';
import { type Asking, SECTORS } from './random-plans.ts';
import { StruckTwin, type TwinCommand } from './struck-twin.ts';
import { diskOf, Io, wholeDevices } from './whole.ts';

export interface Shape {
  /** In sectors. */
  readonly block: number;
  readonly cacheMiB: number;
  readonly seed: string;
}

/** One of these. */
export interface Step {
  readonly command?: Asking;
  /** ns */
  readonly pass?: number;
  /** Of this rule, or of all. */
  readonly release?: string | undefined;
  readonly paused?: boolean;
  /** Power goes off and on. */
  readonly force?: boolean;
  readonly reset?: boolean;
  readonly remove?: string;
  readonly add?: TwinWords;
}

const commands = {
  read: Command.READ,
  write: Command.WRITE,
  write_zeroes: Command.WRITE_ZEROES,
  discard: Command.DISCARD,
  flush: Command.FLUSH,
} as const;

const allocator = createSlabAllocator();

/** Devices in one world, the first of them with a plan. */
export class StruckWorld {
  readonly world = new World();
  readonly device: NullDevice;
  readonly #devices: Devices;
  readonly #words: readonly string[];
  readonly #block: number;

  constructor({ block, cacheMiB, seed }: Shape, plan: readonly TwinWords[]) {
    this.#block = block;
    this.#words = [
      ...['size=1', 'memory_backed=1', 'discard=1', 'hw_queue_depth=256', `bs=${block * 512}`],
      ...[`cache_size=${cacheMiB}`, 'irqmode=0'],
    ];
    this.#devices = wholeDevices(this.world, this.#words, { allocator, seed });
    this.device = this.#make('nullb0', plan);
  }

  get log(): LogEntry[] {
    return [...this.device.rules.logAfter(0)];
  }

  /** One more device. @returns what gives it a command. */
  another(name: string, plan: readonly TwinWords[]): (one: Asking) => void {
    const device = this.#make(name, plan);
    return (one) => void this.submit(one, device);
  }

  /** @param beside called before each step. */
  async run(steps: readonly Step[], beside: (step: number) => void = () => {}): Promise<void> {
    for (const [at, step] of steps.entries()) {
      beside(at);
      await this.step(step);
    }
  }

  async step(step: Step): Promise<void> {
    const { rules } = this.device;
    if (step.command !== undefined) this.submit(step.command);
    else if (step.pass !== undefined) this.world.pass(step.pass);
    else if (step.paused !== undefined) rules.paused = step.paused;
    else if (step.force !== undefined) await this.#powerCycle(step.force);
    else if (step.reset === true) rules.reset();
    else if (step.add !== undefined) this.#add(step.add);
    else if (step.remove !== undefined) this.#remove(step.remove);
    else rules.release(this.#has(step.release) ? step.release : undefined);
    this.world.settle();
  }

  asked({ op, block, blocks, client, fua, salt }: Asking): Asked {
    const flush = op === 'flush';
    const sectors = flush ? 0 : blocks * this.#block;
    const sector = flush ? 0 : block * this.#block;
    const data = op === 'write' ? Buffer.alloc(sectors * 512) : undefined;
    // Bytes of few values, so that rules find theirs.
    for (let at = 0; at < sectors; at++) data?.fill((salt + at) % 9, at * 512, (at + 1) * 512);
    return { op, sector, sectors, client, fua: fua && /^write/.test(op), data };
  }

  submit(one: Asking, device = this.device): Io {
    const { sector, sectors, client, fua, data } = this.asked(one);
    const io = new Io(commands[one.op], sector, sectors, data);
    if (fua) io.bio.flags = RequestFlag.FUA;
    // No two come at the same time: what hangs goes on in the order of its time.
    if (device === this.device) this.world.time++;
    io.submit(diskOf(device), client - 1);
    this.world.settle();
    return io;
  }

  #make(name: string, plan: readonly TwinWords[]): NullDevice {
    const device = this.#devices.create(name);
    device.powerOn(options(...this.#words));
    device.rules.add(parseRules(plan));
    return device;
  }

  async #powerCycle(force: boolean): Promise<void> {
    const off = this.device.powerOff(force);
    this.world.settle();
    await off;
    this.device.powerOn(options(...this.#words));
  }

  #has(id: string | undefined): boolean {
    return this.device.rules.rules.some((rule) => rule.id === id);
  }

  #add(words: TwinWords): void {
    if (!this.#has(`${words['id']}`)) this.device.rules.add(parseRules([words]));
  }

  #remove(id: string): void {
    if (this.#has(id)) this.device.rules.remove([id]);
  }
}

export class StruckPair {
  readonly #real: StruckWorld;
  readonly #twin: StruckTwin;
  readonly #under: [Io, TwinCommand][] = [];

  constructor(shape: Shape, plan: readonly TwinWords[]) {
    this.#real = new StruckWorld(shape, plan);
    this.#twin = new StruckTwin(shape.seed, SECTORS, shape.block, shape.cacheMiB);
    this.#twin.add(plan);
  }

  get strikes(): number {
    return this.#twin.log.length;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.command === undefined) await this.#real.step(step);
      else this.#under.push([this.#real.submit(step.command), this.#submit(step.command)]);
      this.#twinStep(step);
      for (const [io, twin] of this.#under) compare(io, twin);
    }
    this.#compareAll();
  }

  #submit(one: Asking): TwinCommand {
    this.#twin.now++;
    return this.#twin.submit(this.#real.asked(one));
  }

  #twinStep(step: Step): void {
    const twin = this.#twin;
    const { rules } = twin;
    const has = (id: string | undefined): boolean => rules.rules.some((rule) => rule.id === id);
    if (step.command !== undefined) return;
    if (step.pass !== undefined) twin.pass(step.pass);
    else if (step.paused !== undefined) rules.paused = step.paused;
    else if (step.force !== undefined) twin.powerCycle(step.force);
    else if (step.reset === true) rules.reset();
    else if (step.add !== undefined && !has(`${step.add['id']}`)) twin.add([step.add]);
    else if (step.remove !== undefined && has(step.remove)) twin.remove(step.remove);
    else if ('release' in step) twin.release(has(step.release) ? step.release : undefined);
  }

  #compareAll(): void {
    const { device, log } = this.#real;
    const twin = this.#twin;
    expect(log).toEqual(twin.log);
    expect(device.rules.state).toBe(twin.rules.state);
    expect(
      device.rules.report().map(({ live, held }) => {
        const { rule, matched, struck, left } = live;
        return { id: rule.id, matched, struck, left, held };
      }),
    ).toEqual(
      twin.rules.rules.map((rule) => {
        const { id, matched, struck, left } = rule;
        return { id, matched, struck, left, held: twin.held(id) };
      }),
    );
    const { queue } = diskOf(device);
    queue.front = undefined;
    const io = new Io(Command.READ, 0, SECTORS).submit(diskOf(device));
    this.#real.world.settle();
    same(io.data.equals(twin.stored(0, SECTORS)), true);
  }
}

function compare(io: Io, twin: TwinCommand): void {
  same(io.ends, twin.status === undefined ? 0 : 1);
  if (twin.status === undefined) return;
  same<string>(statusErrno[io.status], twin.status);
  same<string | undefined>(io.bio.wire?.wire.form, twin.wire);
  if (twin.asked.op !== 'read' || twin.status !== 'OK' || twin.text('apply') === 'none') return;
  same(io.data.equals(twin.data), true);
}
