/** The rules of a device: what goes wrong, when. Source: docs/faults.md. */

import type { ControlApi } from './api.ts';
import { jsonLines } from './lines.ts';
import type { AddFaultAnswer, FaultLogLine, FaultsAnswer } from './made/answers.ts';
import type { Plan, Rule } from './made/rule.ts';

export interface LogOptions {
  /** The number of an entry: only those behind it. */
  readonly after?: number;
  /** True: goes on with those that come, until the loop ends or `signal` is aborted. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export class Faults {
  readonly #api: ControlApi;
  readonly #name: string;

  /** @param name of the device. */
  constructor(api: ControlApi, name: string) {
    this.#api = api;
    this.#name = name;
  }

  /** The rules, with how often each has matched and struck. */
  list(): Promise<FaultsAnswer> {
    return this.#api.call('faults', { name: this.#name });
  }

  /** One more rule, behind the others. @param before the id of a rule: before that one.
   *  @returns the rule, with its id. @throws ControlError EINVAL that names word, value and rule. */
  add(rule: Rule, { before }: { readonly before?: string } = {}): Promise<AddFaultAnswer> {
    const place = before === undefined ? {} : { before };
    return this.#api.call('addFault', { name: this.#name, ...place, body: rule });
  }

  /** In place of all rules; all or nothing. @throws as `add`. */
  async load(plan: Plan): Promise<void> {
    await this.#api.call('loadFaults', { name: this.#name, body: plan });
  }

  /** Seed and rules, as `load` takes them. */
  async plan(): Promise<Plan> {
    return (await this.#api.call('faultPlan', { name: this.#name })) as Plan; // the daemon's own plan
  }

  /** @param rule its id; what it holds is released. @throws ControlError ENOENT. */
  async remove(rule: string): Promise<void> {
    await this.#api.call('removeFault', { name: this.#name, rule });
  }

  /** Removes all rules. */
  async clear(): Promise<void> {
    await this.#api.call('removeFaults', { name: this.#name });
  }

  /** Nothing is matched or counted until `resume`. */
  async pause(): Promise<void> {
    await this.#api.call('pauseFaults', { name: this.#name });
  }

  async resume(): Promise<void> {
    await this.#api.call('resumeFaults', { name: this.#name });
  }

  /** Counts, state and occurrences begin again. */
  async reset(): Promise<void> {
    await this.#api.call('resetFaults', { name: this.#name });
  }

  /** Lets go what hangs. @param rule its id; without it that of all rules. @returns how many commands. */
  async release(rule?: string): Promise<number> {
    const of = rule === undefined ? {} : { rule };
    return (await this.#api.call('releaseFaults', { name: this.#name, ...of })).released;
  }

  /** What the rules did, the oldest first. */
  async *log({ after, follow = false, signal }: LogOptions = {}): AsyncGenerator<FaultLogLine> {
    const input = {
      name: this.#name,
      ...(after === undefined ? {} : { after }),
      ...(follow ? { follow: 1 } : {}),
    };
    const octets = await this.#api.call('faultLog', input, signal);
    for await (const entry of jsonLines(octets)) yield entry as FaultLogLine; // the daemon's own entries
  }

  /** Strikes exactly what a log names, in place of what triggers decide. @returns how many entries. */
  async replay(events: readonly FaultLogLine[]): Promise<number> {
    const body = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    return (await this.#api.call('replayFaults', { name: this.#name, body })).entries;
  }
}
