/** What rules did, entry by entry: the last ones in a ring, all of them to whoever listens.
 *  Source: faults.md section 2. */

export interface LogEntry {
  /** From 1 on, without gaps. */
  readonly seq: number;
  /** Since power on. */
  readonly ns: number;
  readonly rule: string;
  readonly action: string;
  readonly op: string;
  readonly sector: number;
  readonly sectors: number;
  readonly client: number;
  readonly occurrence: number;
  /** What was drawn or done: errno, delay, blocks kept, bits flipped. */
  readonly detail: Readonly<Record<string, string | number>>;
}

/** The action of an entry that is no strike: the rule met too much to count, and is over. */
export const EXHAUSTED = 'exhausted';

export const LOG_ENTRIES = 65_536;

export class FaultLog {
  readonly #ring: LogEntry[] = [];
  readonly #listeners = new Set<(entry: LogEntry) => void>();
  #last = 0;

  /** The number of the last entry; 0: there is none. */
  get last(): number {
    return this.#last;
  }

  /** @param entry whose number is the next one. */
  add(entry: LogEntry): void {
    this.#last = entry.seq;
    this.#ring[(entry.seq - 1) % LOG_ENTRIES] = entry;
    for (const listener of this.#listeners) listener(entry);
  }

  /** Those behind number `seq` that are still kept, the oldest first. */
  *after(seq: number): Generator<LogEntry> {
    for (let at = Math.max(seq, this.#last - LOG_ENTRIES); at < this.#last; at++) {
      const entry = this.#ring[at % LOG_ENTRIES];
      if (entry !== undefined) yield entry;
    }
  }

  /** Calls `listener` for each entry from now on. @returns what ends that. */
  listen(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
