/** One event: it becomes text when somebody reads it. Source: page.md section 4. */

import type { EventType } from './event.ts';

/** What a type of event tells, as in its schema. */
export type Facts = Readonly<Record<string, unknown>>;

export class HappenedEvent {
  readonly id: number;
  readonly type: EventType;
  readonly device: string;
  readonly #at: Date;
  readonly #facts: Facts;
  #json: string | undefined;

  constructor(id: number, at: Date, type: EventType, device: string, facts: Facts) {
    this.id = id;
    this.#at = at;
    this.type = type;
    this.device = device;
    this.#facts = facts;
  }

  /** Made once for all listeners, when the first one reads it. */
  get json(): string {
    const { id, type, device } = this;
    const common = { id, time: this.#at.toISOString(), type, device };
    this.#json ??= JSON.stringify({ ...common, ...this.#facts });
    return this.#json;
  }
}
