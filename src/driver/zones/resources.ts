/** How many zones are in which condition, how many are open and active, and whether one more may be. It follows the conditions that
 *  zone-set.ts gives zones and knows no zone itself. Source: driver.md section 6, Resources. */

import { bug } from '../../units.ts';
import { holds } from './transitions.ts';
import { ZoneCondition } from './zone.ts';

/** What prevents one more open zone. */
export type Verdict = 'go' | 'close an implicitly open one' | 'too many open' | 'too many active';

/** Places in the counts. */
const IMPLICIT = 0;
const EXPLICIT = 1;
const CLOSED = 2;
/** No condition has a greater number. */
const CONDITIONS = 16;

export class ZoneResources {
  readonly #maxOpen: number;
  readonly #maxActive: number;
  readonly #counts = new Int32Array(3);
  readonly #byCondition = new Int32Array(CONDITIONS);

  /** @param maxOpen 0 = no limit. @param maxActive 0 = no limit.
   *  @param begin how many zones have which condition; none of them is open or closed. */
  constructor(
    maxOpen: number,
    maxActive: number,
    begin: Iterable<readonly [ZoneCondition, number]> = [],
  ) {
    for (const [condition, count] of begin) this.#byCondition[condition] = count;
    this.#maxOpen = maxOpen === 0 ? Number.POSITIVE_INFINITY : maxOpen;
    this.#maxActive = maxActive === 0 ? Number.POSITIVE_INFINITY : maxActive;
  }

  get implicit(): number {
    return this.#counts[IMPLICIT] ?? 0;
  }

  get open(): number {
    return this.implicit + (this.#counts[EXPLICIT] ?? 0);
  }

  get active(): number {
    return this.open + (this.#counts[CLOSED] ?? 0);
  }

  /** How many zones are in that condition. */
  in(condition: ZoneCondition): number {
    return this.#byCondition[condition] ?? 0;
  }

  /** The same counts and limits. */
  fork(): ZoneResources {
    const other = new ZoneResources(this.#maxOpen, this.#maxActive);
    other.#counts.set(this.#counts);
    other.#byCondition.set(this.#byCondition);
    return other;
  }

  /** A zone went from one condition to another. */
  moved(from: ZoneCondition, to: ZoneCondition): void {
    this.#add(from, -1);
    this.#add(to, 1);
  }

  /** True when an EMPTY or CLOSED zone may be opened. */
  judge(condition: ZoneCondition): Verdict {
    if (condition === ZoneCondition.EMPTY && this.active >= this.#maxActive)
      return 'too many active';
    if (this.open < this.#maxOpen) return 'go';
    // At both limits a CLOSED zone stays closed, although it is active already: so does null_blk.
    if (this.implicit > 0 && this.active < this.#maxActive) return 'close an implicitly open one';
    return 'too many open';
  }

  #add(condition: ZoneCondition, by: number): void {
    this.#byCondition[condition] = this.in(condition) + by;
    switch (holds[condition]) {
      case 'nothing':
        return;
      case 'implicit':
        return this.#count(IMPLICIT, by);
      case 'explicit':
        return this.#count(EXPLICIT, by);
      case 'closed':
        return this.#count(CLOSED, by);
    }
  }

  #count(place: number, by: number): void {
    const count = (this.#counts[place] ?? 0) + by;
    if (count < 0) bug(`zone count ${place} fell below 0`);
    this.#counts[place] = count;
  }
}
