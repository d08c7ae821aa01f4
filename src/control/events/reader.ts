/** One listener: the events that it has not read yet, of which it may have only so many, and the text that it
 *  gets for them. Source: page.md section 4. The format is WHATWG's, Server-sent events. */

import type { Scheduler } from '../../time/clock.ts';
import { limits } from '../limits.ts';
import type { HappenedEvent } from './happened.ts';

/** So that both sides notice when the other has gone without a word. */
const ALIVE = ':\n\n';

export interface EventTime {
  readonly scheduler: Scheduler;
  /** The time of day. */
  readonly date: () => Date;
}

/** What all listeners of a daemon share. */
export interface Shared extends EventTime {
  /** Tells this daemon from others in the ids of its events. */
  readonly mark: string;
  /** Items that wait for any of them. */
  waiting: number;
}

/** Events are missing at that place. */
interface Missing {
  readonly count: number;
  /** The listener has heard a daemon before this one. */
  readonly restarted: boolean;
}

type Item = HappenedEvent | Missing;

export class EventReader {
  /** What the stream begins with: when browsers come back, and an id without data. Who hears nothing until the
   *  connection breaks comes back with it, and misses nothing. */
  readonly begin: string;
  readonly #shared: Shared;
  readonly #device: string | undefined;
  readonly #gone: () => void;
  readonly #items: Item[] = [];
  /** Items before it were taken. */
  #head = 0;
  #missing: Missing | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** @param device undefined: events of all devices. @param heard the number of the event behind which it begins.
   *  @param gone called once, at the end. */
  constructor(shared: Shared, device: string | undefined, heard: number, gone: () => void) {
    this.begin = `: events of tnull\nretry: 1000\nid: ${heard}@${shared.mark}\n\n`;
    this.#shared = shared;
    this.#device = device;
    this.#gone = gone;
  }

  /** There is something to take at once. */
  get ready(): boolean {
    return this.#waiting > 0 || this.#missing !== undefined || this.#ended;
  }

  get #waiting(): number {
    return this.#items.length - this.#head;
  }

  /** @param kept it is one of those that are there when it begins: so many have room. */
  offer(event: HappenedEvent, kept = false): void {
    if (this.#device !== undefined && event.device !== this.#device) return;
    if (kept || this.#hasRoom) {
      this.#tellMissing();
      this.#add(event);
    } else {
      this.missed(1, false);
    }
    this.#wake?.();
  }

  /** So many events are missing here. @param restarted it has heard a daemon before this one. */
  missed(count: number, restarted: boolean): void {
    const before = this.#missing ?? { count: 0, restarted: false };
    const both = { count: before.count + count, restarted: before.restarted || restarted };
    if (both.count > 0 || both.restarted) this.#missing = both;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#shared.waiting -= this.#waiting;
    this.#items.length = 0;
    this.#head = 0;
    this.#gone();
    this.#wake?.();
  }

  /** Waits until there is something to take, or until it is time to say that we are here. */
  wait(): Promise<void> {
    return this.ready ? Promise.resolve() : this.#wait();
  }

  /** Takes the text of a few events, in some 20 us. @returns undefined: it has ended. */
  take(): string | undefined {
    if (this.#ended) return undefined;
    const items = this.#items.slice(this.#head, this.#head + limits.eventsPerPiece.max);
    this.#took(items.length);
    if (items.length === 0 && this.#missing !== undefined) items.push(this.#takeMissing());
    return items.length === 0 ? ALIVE : items.map((item) => this.#textOf(item)).join('');
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#shared.scheduler.timeout(() => this.#wake?.(), limits.eventAliveMs.max);
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }

  get #hasRoom(): boolean {
    const { eventsWaitingAlways, eventsWaiting, eventsWaitingInAll } = limits;
    if (this.#waiting < eventsWaitingAlways.max) return true;
    return this.#waiting < eventsWaiting.max && this.#shared.waiting < eventsWaitingInAll.max;
  }

  #add(item: Item): void {
    this.#items.push(item);
    this.#shared.waiting++;
  }

  #took(count: number): void {
    this.#head += count;
    this.#shared.waiting -= count;
    // Not each time: what is behind them moves.
    if (this.#waiting > 0 && this.#head < limits.eventsWaitingAlways.max) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }

  #tellMissing(): void {
    if (this.#missing !== undefined) this.#add(this.#takeMissing());
  }

  #takeMissing(): Missing {
    const missing = this.#missing ?? { count: 0, restarted: false };
    this.#missing = undefined;
    return missing;
  }

  #textOf(item: Item): string {
    const { date, mark } = this.#shared;
    if ('json' in item) {
      return `id: ${item.id}@${mark}\nevent: ${item.type}\ndata: ${item.json}\n\n`;
    }
    const lost = { time: date().toISOString(), type: 'lost', ...item };
    return `event: lost\ndata: ${JSON.stringify(lost)}\n\n`;
  }
}
