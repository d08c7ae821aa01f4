/** A simulated operator: changes what can be changed, one call after the other, each with what it may fail
 *  with and by when it has to return. */

import { ErrnoError } from '../../src/config/errors.ts';
import type { Random } from '../fuzz/random.ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Feature } from './plan.ts';
import type { Simulation } from './simulation.ts';

const MS = 1e6;
/** Of a call that the device has nothing to do with. */
const CALL_NS = 50 * MS;
/** What is in flight may end for so long when a device goes: the server's own limit, and some more. */
const DRAIN_NS = 5200 * MS;

interface Action {
  readonly feature: Feature;
  readonly weight: number;
  run(operator: Operator, device: SimDevice): Promise<void>;
}

const actions: readonly Action[] = [
  { feature: 'queues', weight: 20, run: (operator, device) => operator.changeQueues(device) },
  { feature: 'look', weight: 5, run: (operator, device) => operator.look(device) },
  { feature: 'power', weight: 1, run: (operator, device) => operator.cyclePower(device) },
];

export class Operator {
  /** It waits for something to do, not for an answer. */
  idle = true;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #actions: Action[] = [];

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation;
    this.#random = random;
    for (const action of actions) {
      if (!simulation.plan.has.has(action.feature)) continue;
      for (let n = 0; n < action.weight; n++) this.#actions.push(action);
    }
  }

  /** Until the run is at its end. */
  async work(): Promise<void> {
    const { world, plan } = this.#simulation;
    if (this.#actions.length === 0) return;
    let next = 0;
    while (!this.#simulation.ending) {
      await world.sleep(1 + this.#random.below(2 * plan.operatorNs));
      if (this.#simulation.calm || this.#simulation.answeredCount < next) continue;
      next = this.#simulation.answeredCount + this.#random.below(2 * plan.operationsPerAction);
      const device = this.#random.pick(this.#simulation.devices);
      if (device.changing) continue;
      this.idle = false;
      await this.#random.pick(this.#actions).run(this, device);
      this.idle = true;
    }
  }

  async changeQueues(device: SimDevice): Promise<void> {
    const random = this.#random;
    const texts = new Map<string, string>();
    if (random.chance(0.7)) texts.set('submit_queues', String(random.between(1, 4)));
    if (random.chance(0.3)) texts.set('poll_queues', String(random.between(0, 2)));
    const shared = device.attribute('shared_tags') === 1 ? ['EINVAL'] : [];
    const may = [...shared, ...(device.failingQueues ? ['ENOMEM'] : [])];
    await this.#patch(device, texts, may, CALL_NS);
  }

  async look(device: SimDevice): Promise<void> {
    const { tree } = this.#simulation.path;
    const look = (): unknown => {
      const { name } = device;
      switch (this.#random.below(4)) {
        case 0:
          return tree.stats(name);
        case 1:
          return tree.requests(name);
        case 2:
          return [...tree.views()];
        default:
          return [...tree.allStats()];
      }
    };
    await this.#call('a look', async () => look(), ['ENOENT'], CALL_NS);
  }

  async cyclePower(device: SimDevice): Promise<void> {
    const { world } = this.#simulation;
    device.changing = true;
    device.leaving.begin();
    const bound = DRAIN_NS + 8 * device.workNs;
    await this.#patch(device, new Map([['power', '0']]), [], bound);
    device.lostPower();
    await world.sleep(1 + this.#random.below(2 * MS));
    await this.#powerOn(device);
    device.leaving.end();
    device.changing = false;
  }

  async #powerOn(device: SimDevice): Promise<void> {
    for (;;) {
      const may = device.failingQueues ? ['ENOMEM'] : [];
      const on = await this.#patch(device, new Map([['power', '1']]), may, CALL_NS);
      if (on) break;
    }
    device.powered = true;
  }

  /** @returns whether it was done. */
  #patch(
    device: SimDevice,
    texts: ReadonlyMap<string, string>,
    may: readonly string[],
    boundNs: number,
  ): Promise<boolean> {
    const words = [...texts].map(([name, text]) => `${name}=${text}`).join(' ');
    const { tree } = this.#simulation.path;
    const call = async (): Promise<void> => {
      await tree.patch(device.name, texts);
    };
    return this.#call(`${device.name}: ${words}`, call, may, boundNs);
  }

  /** @param may the errors that it may have. @returns whether it succeeded. */
  async #call(
    what: string,
    work: () => Promise<unknown>,
    may: readonly string[],
    boundNs: number,
  ): Promise<boolean> {
    return await this.#simulation.call(what, boundNs, async () => {
      try {
        await work();
        return true;
      } catch (error) {
        if (error instanceof ErrnoError && may.includes(error.errno)) return false;
        if (error instanceof ErrnoError) throw new Found('control', `${what}: ${error.message}`);
        throw error;
      }
    });
  }
}
