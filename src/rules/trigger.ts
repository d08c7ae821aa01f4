/** Which of the matches of a rule it strikes. Source: faults.md section 1 (Trigger). */

import { Counts, KeyTable, type TableMemory, unlimited } from './key-table.ts';
import type { Trigger } from './rule.ts';

/** Different first sectors, or clients, that are counted. */
export const KEYS_MAX = 2 ** 20;

/** What is left of a burst has 32 bits: years of matches. */
const BURST_LEFT_MAX = 2 ** 32 - 1;

/** Three of them for a key, which has two slots. */
const COUNTS_BYTES = 6;

/** What a match comes to. */
export const Verdict = {
  PASS: 0,
  STRIKE: 1,
  /** Struck if the dice say so; then `fired` is to be called. */
  THROW: 2,
  /** There is no room for one more count: the rule is over. */
  EXHAUSTED: 3,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export class TriggerCounts {
  readonly #trigger: Trigger;
  readonly #keys: KeyTable;
  readonly #seen = new Counts();
  readonly #fired = new Counts();
  readonly #burst = new Counts();
  #at = 0;
  #firedInAll = 0;
  #burstsUnderWay = 0;

  constructor(trigger: Trigger, memory: TableMemory = unlimited) {
    this.#trigger = trigger;
    this.#keys = new KeyTable(KEYS_MAX, memory, COUNTS_BYTES);
  }

  /** It is used no more. */
  free(): void {
    this.#keys.free();
  }

  /** How often it may still strike; undefined: no limit, or each client or sector has its own. */
  get left(): number | undefined {
    const { times, per } = this.#trigger;
    return times < 0 || per !== 'device' ? undefined : Math.max(0, times - this.#firedInAll);
  }

  /** It never strikes again, whatever comes. */
  get over(): boolean {
    return this.left === 0 && this.#burstsUnderWay === 0;
  }

  /** One more match. */
  match(sector: number, client: number): Verdict {
    const { skip, interval, times, probability } = this.#trigger;
    const at = this.#key(sector, client);
    if (at < 0) return Verdict.EXHAUSTED;
    this.#at = at;
    const seen = this.#seen.increment(at);
    if (this.#inBurst(at)) return Verdict.STRIKE;
    if (seen <= skip || (seen - skip) % interval !== 0) return Verdict.PASS;
    if (times >= 0 && this.#fired.get(at) >= times) return Verdict.PASS;
    if (probability < 1) return Verdict.THROW;
    this.fired();
    return Verdict.STRIKE;
  }

  /** One more match, which something else decides: it is none of `times`, and no dice are thrown. */
  pass(sector: number, client: number): void {
    const at = this.#key(sector, client);
    if (at < 0) return;
    this.#seen.increment(at);
    this.#inBurst(at);
  }

  /** @returns -1: there is no room for one more. */
  #key(sector: number, client: number): number {
    const { per } = this.#trigger;
    return per === 'device' ? 0 : this.#keys.add(per === 'client' ? client : sector);
  }

  /** Is this match struck by a burst? It is one of it then. */
  #inBurst(at: number): boolean {
    if (this.#trigger.burst === 1) return false;
    const left = this.#burst.get(at);
    if (left === 0) return false;
    this.#burst.set(at, left - 1);
    if (left === 1) this.#burstsUnderWay--;
    return true;
  }

  /** The last match is one of `times`. */
  fired(): void {
    const { times, burst } = this.#trigger;
    if (times >= 0) this.#fired.increment(this.#at);
    this.#firedInAll++;
    if (burst === 1) return;
    this.#burst.set(this.#at, Math.min(burst - 1, BURST_LEFT_MAX));
    this.#burstsUnderWay++;
  }
}
