/** What happens, for whoever listens. Each listener has a list of its own: whoever publishes adds to it and goes
 *  on, and a listener that is too slow loses events and learns how many. Knows no HTTP.
 *  Source: page.md section 4. */

import { limits } from '../limits.ts';
import type { EventType } from './event.ts';
import { type Facts, HappenedEvent } from './happened.ts';
import { EventReader, type EventTime, type Shared } from './reader.ts';

/** The last events of some types. */
class Kept {
  readonly #most: number;
  readonly #ring: HappenedEvent[] = [];
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(event: HappenedEvent): void {
    this.#ring[this.#count++ % this.#most] = event;
  }

  /** The oldest first. */
  *after(id: number): Generator<HappenedEvent> {
    for (let at = Math.max(0, this.#count - this.#most); at < this.#count; at++) {
      const event = this.#ring[at % this.#most];
      if (event !== undefined && event.id > id) yield event;
    }
  }
}

/** Those that a device may have as often as requests. They are published only while somebody listens, or did a
 *  moment ago and may come back. */
const frequent: ReadonlySet<EventType> = new Set(['fault', 'zone']);

export interface Asked {
  /** Undefined: all. */
  readonly device?: string | undefined;
  /** The number of an event: those behind it that are kept come first. Undefined: only what comes. */
  readonly after?: number | undefined;
  /** Of the daemon that has told of that event. Undefined: unknown. */
  readonly mark?: string | undefined;
}

export class Events {
  /** Called when somebody begins to listen, and when nobody does any more. */
  onWatched: (watched: boolean) => void = () => {};
  readonly #shared: Shared;
  readonly #readers = new Set<EventReader>();
  readonly #errors = new Kept(limits.errorsKept.max);
  readonly #frequent = new Kept(limits.oftenKept.max);
  readonly #others = new Kept(limits.eventsKept.max);
  #last = 0;
  #watched = false;
  #cancelRest: (() => void) | undefined;
  #ended = false;

  /** @param mark tells this daemon from others: letters and digits. */
  constructor(time: EventTime, mark: string) {
    this.#shared = { ...time, mark, waiting: 0 };
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** How many listeners together have not read yet. */
  get waiting(): number {
    return this.#shared.waiting;
  }

  /** True while events that are as frequent as requests are to be published. */
  get watched(): boolean {
    return this.#watched;
  }

  /** Called from inside commands: it only notes the event. */
  publish(type: EventType, device: string, facts: Facts = {}): void {
    const event = new HappenedEvent(++this.#last, this.#shared.date(), type, device, facts);
    this.#keptOf(type).add(event);
    for (const reader of this.#readers) reader.offer(event);
  }

  /** Somebody listens, until the reader is ended. */
  listen({ device, after, mark = this.#shared.mark }: Asked): EventReader {
    // A greater number than the last one is of a daemon before this one, too.
    const restarted = after !== undefined && (after > this.#last || mark !== this.#shared.mark);
    const heard = restarted ? 0 : (after ?? this.#last);
    const reader = new EventReader(this.#shared, device, heard, () => this.#leave(reader));
    if (after !== undefined) this.#catchUp(reader, heard, restarted);
    this.#readers.add(reader);
    this.#cancelRest?.();
    this.#cancelRest = undefined;
    if (!this.#watched) {
      this.#watched = true;
      this.onWatched(true);
    }
    if (this.#ended) reader.end();
    return reader;
  }

  /** The program ends: nobody hears anything any more. */
  end(): void {
    this.#ended = true;
    this.#cancelRest?.();
    for (const reader of [...this.#readers]) reader.end();
  }

  #keptOf(type: EventType): Kept {
    if (type === 'error') return this.#errors;
    return frequent.has(type) ? this.#frequent : this.#others;
  }

  #catchUp(reader: EventReader, heard: number, restarted: boolean): void {
    const all = [this.#errors, this.#frequent, this.#others].flatMap((kept) => [
      ...kept.after(heard),
    ]);
    all.sort((one, other) => one.id - other.id);
    // Who asks for all that are kept has missed none.
    if (heard > 0 || restarted) reader.missed(this.#last - heard - all.length, restarted);
    for (const event of all) reader.offer(event, true);
  }

  #leave(reader: EventReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0 || this.#ended) return;
    this.#cancelRest = this.#shared.scheduler.timeout(() => {
      this.#cancelRest = undefined;
      this.#watched = false;
      this.onWatched(false);
    }, limits.eventRestMs.max);
  }
}
