/** Makes a failing run smaller, as long as it fails in the same kind: fewer operations, fewer devices,
 *  clients and operators, fewer features. */

import type { Failure } from './failure.ts';
import { drawPlan, type Feature, features, type Limits } from './plan.ts';
import { Simulation } from './simulation.ts';

/** Runs that it may take. */
const TRIES_MAX = 150;

export interface Shrunk {
  readonly limits: Limits;
  readonly failure: Failure;
  readonly operations: number;
}

/** One run. */
export type Run = (
  seed: number,
  limits: Limits,
) => Promise<{ readonly operations: number; readonly failure: Failure | undefined }>;

const simulate: Run = (seed, limits) => new Simulation(drawPlan(seed, limits)).run();

/** @param limits with which `seed` failed as `failure` says, after so many operations.
 *  @returns a run that is larger in nothing. */
export async function shrink(
  seed: number,
  limits: Limits,
  failure: Failure,
  operations: number,
  run = simulate,
): Promise<Shrunk> {
  const shrinking = new Shrinking(seed, { limits, failure, operations }, run);
  await shrinking.fewerOperations();
  for (const part of ['devices', 'operators', 'clients'] as const) await shrinking.fewer(part);
  for (const feature of features) await shrinking.without(feature);
  await shrinking.fewerOperations();
  return shrinking.least;
}

class Shrinking {
  least: Shrunk;
  readonly #seed: number;
  readonly #run: Run;
  #tries = 0;

  constructor(seed: number, from: Shrunk, run: Run) {
    this.#seed = seed;
    this.#run = run;
    this.least = from;
  }

  async fewerOperations(): Promise<void> {
    for (let divisor = 16; divisor > 1; ) {
      if (await this.#tryOperations(Math.max(1, Math.ceil(this.least.operations / divisor))))
        continue;
      divisor /= 2;
    }
    await this.#tryOperations(Math.max(1, this.least.operations));
  }

  /** Answers may be more than the requests that a run is cut to: those of whoever reads all at its end. */
  async #tryOperations(operations: number): Promise<boolean> {
    const now = this.least.limits.operations ?? Number.POSITIVE_INFINITY;
    return operations < now && (await this.#try({ operations }));
  }

  async fewer(part: 'devices' | 'clients' | 'operators'): Promise<void> {
    const plan = drawPlan(this.#seed, this.least.limits);
    const now = part === 'devices' ? plan.devices.length : plan[part];
    const least = part === 'operators' ? 0 : 1;
    for (let count = least; count < now; count++) if (await this.#try({ [part]: count })) return;
  }

  async without(feature: Feature): Promise<void> {
    const { has } = drawPlan(this.#seed, this.least.limits);
    // A run always reads.
    if (feature === 'read' || !has.has(feature)) return;
    await this.#try({ without: [...new Set([...(this.least.limits.without ?? []), feature])] });
  }

  /** @returns whether it fails likewise; then it is the least. */
  async #try(change: Limits): Promise<boolean> {
    if (this.#tries++ >= TRIES_MAX) return false;
    const limits = { ...this.least.limits, ...change };
    const { failure, operations } = await this.#run(this.#seed, limits);
    if (failure === undefined || failure.kind !== this.least.failure.kind) return false;
    if (operations > this.least.operations) return false;
    this.least = { limits, failure, operations };
    return true;
  }
}

/** What to type to have the run again. */
export function commandOf(seed: number, limits: Limits): string {
  const words = [`--seed ${seed}`];
  if (limits.operations !== undefined) words.push(`--operations ${limits.operations}`);
  for (const part of ['devices', 'clients', 'operators'] as const) {
    if (limits[part] !== undefined) words.push(`--${part} ${limits[part]}`);
  }
  if (limits.without !== undefined && limits.without.length > 0) {
    words.push(`--without ${[...new Set(limits.without)].join(',')}`);
  }
  if (limits.memoryFailsAt !== undefined) words.push(`--memory-fails-at ${limits.memoryFailsAt}`);
  return `npm run sim -- ${words.join(' ')}`;
}
