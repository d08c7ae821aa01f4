/** How far exploring is, on a terminal: one line with a bar, written anew, a few times a second. */

export interface BarOptions {
  readonly say: (text: string) => void;
  /** Ms. */
  readonly now: () => number;
  /** How many there will be at most. */
  readonly total: number;
}

const BACK = '\r\u001b[K';
const CELLS = 20;
const EVERY_MS = 100;

export class Bar {
  readonly #options: BarOptions;
  readonly #began: number;
  #said = Number.NEGATIVE_INFINITY;
  #done = 0;
  #failed = 0;

  constructor(options: BarOptions) {
    this.#options = options;
    this.#began = options.now();
  }

  add(isFailure: boolean): void {
    this.#done++;
    if (isFailure) this.#failed++;
    const now = this.#options.now();
    if (now - this.#said < EVERY_MS) return;
    this.#said = now;
    this.#options.say(`${BACK}${this.line()}`);
  }

  end(): void {
    if (this.#done > 0) this.#options.say(BACK);
  }

  line(): string {
    const { total, now } = this.#options;
    const seconds = Math.max(now() - this.#began, 1) / 1000;
    const rate = this.#done / seconds;
    const full = Math.min(CELLS, Math.floor((this.#done / Math.max(total, 1)) * CELLS));
    const bar = `${'#'.repeat(full)}${'.'.repeat(CELLS - full)}`;
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    const left = Math.max(0, total - this.#done);
    const more = left === 0 ? '' : `, about ${Math.ceil(left / rate)} s more`;
    const each = rate < 10 ? rate.toFixed(1) : Math.round(rate);
    return `crash: [${bar}] ${this.#done} of ${total}${failed}, ${each}/s${more}`;
  }
}
