/** One listener: the events that it has not read yet, of which it may have only so many, and the text that it
 *  gets for them. Source: page.md section 4. The format is WHATWG's, Server-sent events. */

import type { Scheduler } from '../../time/clock.ts';
import { limits } from '../limits.ts';
import type { HappenedEvent } from './happened.ts';

/** Browsers come back after this time. */
export const BEGIN = ': events of tnull\nretry: 1000\n\n';
/** So that both sides notice when the other has gone without a word. */
const ALIVE = ':\n\n';

export interface EventTime {
  readonly scheduler: Scheduler;
  /** The time of day. */
  readonly date: () => Date;
}

/** An event, or how many are missing at that place. */
type Item = HappenedEvent | number;

export class EventReader {
  readonly #scheduler: Scheduler;
  readonly #date: () => Date;
  readonly #device: string | undefined;
  readonly #gone: () => void;
  #items: Item[] = [];
  #lost = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  /** @param device undefined: events of all devices. @param gone called once, at the end. */
  constructor({ scheduler, date }: EventTime, device: string | undefined, gone: () => void) {
    this.#scheduler = scheduler;
    this.#date = date;
    this.#device = device;
    this.#gone = gone;
  }

  /** @param kept it is one of those that are there when it begins: so many have room. */
  offer(event: HappenedEvent, kept = false): void {
    if (this.#device !== undefined && event.device !== this.#device) return;
    if (!kept && this.#items.length >= limits.eventsWaiting.max) {
      this.#lost++;
      return;
    }
    this.#tellLost();
    this.#items.push(event);
    this.#wake?.();
  }

  /** So many happened while it was not there, and are not kept. */
  missed(count: number): void {
    this.#lost += count;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gone();
    this.#wake?.();
  }

  /** Waits until there is something to take, or until it is time to say that we are here. */
  wait(): Promise<void> {
    if (this.#items.length > 0 || this.#lost > 0 || this.#ended) return Promise.resolve();
    return this.#wait();
  }

  /** Takes the text of a few events, in some 20 us. @returns undefined: it has ended. */
  take(): string | undefined {
    if (this.#ended) return undefined;
    const items = this.#items.splice(0, limits.eventsPerPiece.max);
    if (items.length === 0 && this.#lost > 0) items.push(this.#takeLost());
    return items.length === 0 ? ALIVE : items.map((item) => this.#textOf(item)).join('');
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#scheduler.timeout(() => this.#wake?.(), limits.eventAliveMs.max);
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }

  #tellLost(): void {
    if (this.#lost > 0) this.#items.push(this.#takeLost());
  }

  #takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  #textOf(item: Item): string {
    if (typeof item !== 'number') {
      return `id: ${item.id}\nevent: ${item.type}\ndata: ${item.json}\n\n`;
    }
    const time = this.#date().toISOString();
    return `event: lost\ndata: ${JSON.stringify({ time, type: 'lost', count: item })}\n\n`;
  }
}
