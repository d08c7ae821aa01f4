/** How far a sweep is, on a terminal: one line that is written anew. */

import { isFailure } from '../outcome.ts';
import type { Run } from './report.ts';

export interface ProgressOptions {
  readonly say: (text: string) => void;
  readonly now: () => number;
  readonly from: number;
  readonly to: number;
  /** Of all shards. */
  readonly shards: number;
}

const BACK = '\r\u001b[K';

export class Progress {
  readonly #options: ProgressOptions;
  readonly #began: number;
  #runs = 0;
  #failed = 0;
  /** Matches that one run had at most: so many chances there are at least. */
  #chances = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#began = options.now();
  }

  /** @param matched commands that passed the match in it. */
  add(run: Run, matched: number): void {
    this.#runs++;
    if (isFailure(run)) this.#failed++;
    this.#chances = Math.max(this.#chances, matched);
    this.#options.say(`${BACK}${this.line(run.n)}`);
  }

  end(): void {
    if (this.#runs > 0) this.#options.say(BACK);
  }

  line(n: number): string {
    const { from, to, shards, now } = this.#options;
    const last = Math.min(to, Math.max(this.#chances + 1, n));
    const left = Math.ceil(Math.max(0, last - n) / shards);
    const seconds = (now() - this.#began) / 1000;
    const rest = (seconds / this.#runs) * left;
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    const more = left === 0 ? '' : `; about ${Math.ceil(rest)} s more`;
    return `sweep: N ${n} of ${from === 1 ? '' : `${from} to `}${last}${failed}${more}`;
  }
}
