/** A simulated operator: calls the control tree, one call after the other, and knows what each may fail with
 *  and by when it has to return. What it does is actions.ts's. */

import { type Errno, ErrnoError } from '../../src/config/errors.ts';
import type { Random } from '../fuzz/random.ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Feature } from './plan.ts';
import type { Run } from './run.ts';

const MS = 1e6;
/** Of a call that the device has nothing to do with. */
export const CALL_NS = 50 * MS;
/** Long answers, and long changes, are made in so many pieces at most, between which the clock is looked
 *  at. */
const PIECES_MAX = 2000;
/** What is in flight may end for so long when a device goes: the server's own limit, and some more. */
export const DRAIN_NS = 5200 * MS;
/** By force all is over within this time, whatever else waits. */
export const FORCED_NS = 100 * MS;
/** A request that is left alone ends within this time. */
const TIMED_OUT_NS = 7000 * MS;

/** What operators may do to a device. */
export interface Action {
  readonly feature: Feature;
  /** How often, beside the others. */
  readonly weight: number;
  run(operator: Operator, device: SimDevice): Promise<void>;
}

export class Operator {
  /** It waits for something to do, not for an answer. */
  idle = true;
  readonly simulation: Run;
  readonly random: Random;
  readonly #actions: Action[] = [];

  constructor(simulation: Run, random: Random, actions: readonly Action[]) {
    this.simulation = simulation;
    this.random = random;
    for (const action of actions) {
      if (!simulation.plan.has.has(action.feature)) continue;
      for (let n = 0; n < action.weight; n++) this.#actions.push(action);
    }
  }

  /** Until the run is at its end. */
  async work(): Promise<void> {
    const { simulation, random } = this;
    const { world, plan } = simulation;
    if (this.#actions.length === 0) return;
    let next = 0;
    while (!simulation.ending) {
      await world.sleep(1 + random.below(2 * plan.operatorNs));
      if (simulation.calm || simulation.answeredCount < next) continue;
      next = simulation.answeredCount + random.below(2 * plan.operationsPerAction);
      const device = random.pick(simulation.devices);
      if (device.changing) continue;
      this.idle = false;
      await random.pick(this.#actions).run(this, device);
      this.idle = true;
    }
  }

  sleep(ns: number): Promise<void> {
    return this.simulation.world.sleep(1 + this.random.below(ns));
  }

  /** Writes attributes. @returns whether it was done. */
  patch(
    device: SimDevice,
    texts: Readonly<Record<string, string>>,
    may: readonly Errno[] = [],
    boundNs = CALL_NS,
  ): Promise<boolean> {
    const words = Object.entries(texts).map(([name, text]) => `${name}=${text.trim()}`);
    const { control } = this.simulation;
    const call = (): Promise<unknown> => control.patch(device.name, new Map(Object.entries(texts)));
    return this.call(device, words.join(' '), call, may, boundNs);
  }

  /** @param may the errors that it may have, beside those of what goes on with the device.
   *  @param changes whether others wait for this one.
   *  @returns whether it succeeded. */
  async call(
    device: SimDevice,
    what: string,
    work: () => Promise<unknown>,
    may: readonly Errno[],
    boundNs: number,
    changes = false,
  ): Promise<boolean> {
    const since = device.model.tick++;
    const said = `${device.name}: ${what}`;
    // Calls on a device wait for each other, and a later one by force goes first.
    const fileNs = device.fileNs(this.simulation.plan.disk.writeNs);
    const changeNs = DRAIN_NS + fileNs + this.simulation.patience(device);
    const others = device.changing ? changeNs : 0;
    const later = changes || device.changing ? undefined : { device, ns: changeNs };
    const behind = others + (boundNs === FORCED_NS ? 0 : FORCED_NS);
    const { clockReadNs, iterationNs } = this.simulation.plan.machine;
    const pieces = PIECES_MAX * (clockReadNs + iterationNs);
    const whole = boundNs + behind + pieces + fileNs;
    const bounded = async (): Promise<boolean> => {
      try {
        await work();
        return true;
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
        if (may.includes(error.errno) || excused(device, error.errno, since)) return false;
        throw new Found('control', `${said}: ${error.errno} ${error.message}`);
      }
    };
    return await this.simulation.call(said, whole, bounded, later);
  }

  /** Requests may be left alone until they time out, for a while. */
  async whileTimingOut(device: SimDevice, work: () => Promise<void>): Promise<void> {
    device.timeouts++;
    device.heldUpNs += TIMED_OUT_NS;
    device.failing.begin();
    await work();
    device.failing.end();
    this.simulation.later(TIMED_OUT_NS, () => {
      device.timeouts--;
    });
  }

  async whileRequeueing(device: SimDevice, work: () => Promise<void>): Promise<void> {
    device.requeues++;
    await work();
    this.simulation.later(1000 * MS, () => {
      device.requeues--;
    });
  }
}

function excused(device: SimDevice, errno: Errno, since: number): boolean {
  if (device.ruled.holds(since)) return true;
  switch (errno) {
    case 'ENOENT':
    case 'ENODEV':
    case 'EBUSY':
      return device.leaving.holds(since);
    case 'ENOMEM':
      return device.queuesFailing.holds(since) || device.noMemory.holds(since);
    case 'ENOSPC':
      return device.noMemory.holds(since);
    case 'EIO':
    case 'ETIMEDOUT':
      return device.failing.holds(since);
    default:
      return false;
  }
}
