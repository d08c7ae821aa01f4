/** Which rules can be about an operation on a range, in order: found by both, not one by one.
 *  Source: faults.md section 4. */

import { bug } from '../units.ts';
import type { LiveRule } from './live-rule.ts';
import { isIn, OPERATIONS_END, operations } from './operations.ts';

export class RuleIndex {
  readonly #byOperation: readonly OperationIndex[];

  constructor(rules: readonly LiveRule[]) {
    const none = new OperationIndex([]);
    const byOperation = Array.from({ length: OPERATIONS_END }, () => none);
    for (const operation of Object.values(operations)) {
      const about = rules.filter(({ rule }) => isIn(rule.match.operations, operation));
      byOperation[operation] = new OperationIndex(about);
    }
    this.#byOperation = byOperation;
  }

  of(operation: number): OperationIndex {
    return this.#byOperation[operation] ?? bug(`operation ${operation}`);
  }
}

interface Placed {
  readonly live: LiveRule;
  readonly order: number;
  readonly first: number;
  readonly last: number;
}

/** Rules about one operation. Ask `begin`, then `next` until it gives none. */
export class OperationIndex {
  readonly #anywhere: readonly Placed[];
  /** By first sector. */
  readonly #placed: readonly Placed[];
  /** Of each of those and all before it: the largest last sector. */
  readonly #reach: Float64Array;
  readonly #found: Placed[] = [];
  #foundCount = 0;
  #nextFound = 0;
  #nextAnywhere = 0;

  constructor(rules: readonly LiveRule[]) {
    const all = rules.map((live, order) => {
      const { first = 0, last = -1 } = live.rule.match.sectors ?? {};
      return { live, order, first, last };
    });
    this.#anywhere = all.filter(({ last }) => last < 0);
    this.#placed = all.filter(({ last }) => last >= 0).toSorted((a, b) => a.first - b.first);
    this.#reach = new Float64Array(this.#placed.length);
    let reach = -1;
    for (const [at, { last }] of this.#placed.entries()) {
      reach = Math.max(reach, last);
      this.#reach[at] = reach;
    }
  }

  get isEmpty(): boolean {
    return this.#anywhere.length + this.#placed.length === 0;
  }

  /** @param sectors 0: it touches none. */
  begin(sector: number, sectors: number): void {
    this.#nextAnywhere = 0;
    this.#nextFound = 0;
    this.#foundCount = 0;
    if (sectors === 0) return;
    const end = sector + sectors;
    let at = this.#firstFrom(end) - 1;
    for (; at >= 0 && (this.#reach[at] ?? -1) >= sector; at--) {
      const placed = this.#placed[at];
      if (placed !== undefined && placed.last >= sector) this.#insert(placed);
    }
  }

  /** The next one in the order of the rules; undefined: that was all. */
  next(): LiveRule | undefined {
    const here = this.#nextFound < this.#foundCount ? this.#found[this.#nextFound] : undefined;
    const anywhere = this.#anywhere[this.#nextAnywhere];
    if (here !== undefined && (anywhere === undefined || here.order < anywhere.order)) {
      this.#nextFound++;
      return here.live;
    }
    this.#nextAnywhere++;
    return anywhere?.live;
  }

  /** How many begin before `sector`. */
  #firstFrom(sector: number): number {
    let low = 0;
    let high = this.#placed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#placed[middle]?.first ?? 0) < sector) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(placed: Placed): void {
    let at = this.#foundCount++;
    for (; at > 0; at--) {
      const before = this.#found[at - 1];
      if (before === undefined || before.order < placed.order) break;
      this.#found[at] = before;
    }
    this.#found[at] = placed;
  }
}
