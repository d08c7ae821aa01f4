/** A device's request log as it is read: what is kept in the order of arrival, and, to be followed, then what ends in
 *  the order in which it ends. Source: test-api.md section 4. */

import type { RequestLog } from '../../block/request-log.ts';
import type { LogFilter } from '../../rules/log-filter.ts';
import type { LogSource, Place } from '../log-stream.ts';

/** What was lost before a place. */
interface Dropped {
  readonly dropped: number;
}

/** Its places: up to `#last` the number of a command, behind that `#last` and how many have ended since. */
export class CommandsSource implements LogSource {
  readonly #log: RequestLog;
  readonly #filter: LogFilter | undefined;
  readonly #after: number;
  readonly #follow: boolean;
  /** When reading began. */
  readonly #last: number;
  readonly #ended: number;
  /** Commands told as dropped: those behind the first number, up to the second. */
  readonly #gone: (readonly [number, number])[] = [];

  /** @param after the number of a command: those behind it. */
  constructor(log: RequestLog, filter: LogFilter | undefined, after: number, follow: boolean) {
    this.#log = log;
    this.#filter = filter;
    this.#after = after;
    this.#follow = follow;
    log.collect();
    this.#last = log.last;
    this.#ended = log.ended;
  }

  *after(at: number): Generator<Place> {
    if (at < this.#last) yield* this.#kept(at);
    if (this.#follow) yield* this.#coming(Math.max(at, this.#last));
  }

  listen(listener: () => void): () => void {
    return this.#log.listen(listener);
  }

  *#kept(at: number): Generator<Place> {
    const log = this.#log;
    const from = Math.max(at, this.#after, log.before);
    const first = Math.min(log.first, this.#last + 1);
    if (first > from + 1) {
      this.#gone.push([from, first - 1]);
      yield { at: first - 1, entry: droppedOf(first - 1 - from) };
    }
    for (let seq = Math.max(first, from + 1); seq <= this.#last; seq++) {
      const end = this.#follow ? log.endOf(seq) : 0;
      // What has not ended, or only since, comes later.
      const isLater = this.#follow && (end === 0 || end > this.#ended);
      yield { at: seq, entry: isLater ? undefined : this.#wanted(seq) };
    }
  }

  *#coming(at: number): Generator<Place> {
    const log = this.#log;
    let end = this.#ended + at - this.#last;
    const known = Math.max(end, log.ended - log.endsKept);
    if (known > end) yield { at: at + known - end, entry: droppedOf(known - end) };
    for (end = known + 1; end <= log.ended; end++) {
      const seq = log.endedAs(end);
      const entry = this.#isGone(seq) ? undefined : this.#wanted(seq);
      yield { at: this.#last + end - this.#ended, entry };
    }
  }

  #isGone(seq: number): boolean {
    return seq <= this.#last && this.#gone.some(([from, to]) => seq > from && seq <= to);
  }

  /** @returns undefined: nobody wants to see it. */
  #wanted(seq: number): object | undefined {
    // 0: its number is not known any more.
    if (seq > 0 && seq <= this.#after) return undefined;
    const command = this.#log.entry(seq);
    if (command === undefined) return droppedOf(1);
    return this.#filter?.(command) === false ? undefined : command;
  }
}

function droppedOf(dropped: number): Dropped {
  return { dropped };
}
