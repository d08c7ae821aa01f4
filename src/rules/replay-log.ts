/** What a replay is to strike: the commands that a log names, found by rule, operation, first sector and
 *  occurrence. Source: faults.md section 2 (replay). */

import type { LogEntry } from './fault-log.ts';

/** What of an entry names a command. */
export type ReplayEntry = Pick<LogEntry, 'rule' | 'op' | 'sector' | 'occurrence'>;

export class ReplayLog {
  readonly #byRule = new Map<string, Set<string>>();
  #count = 0;

  /** Entries that were added. */
  get count(): number {
    return this.#count;
  }

  add({ rule, op, sector, occurrence }: ReplayEntry): void {
    let named = this.#byRule.get(rule);
    if (named === undefined) {
      named = new Set();
      this.#byRule.set(rule, named);
    }
    named.add(`${op} ${sector} ${occurrence}`);
    this.#count++;
  }

  /** Whether it names this command. */
  names({ rule, op, sector, occurrence }: ReplayEntry): boolean {
    return this.#byRule.get(rule)?.has(`${op} ${sector} ${occurrence}`) ?? false;
  }
}
