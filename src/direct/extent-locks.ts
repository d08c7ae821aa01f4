/** One lock for each extent of a device, held for one copy: whoever has it may read and write its bytes
 *  and its entry in the table. A thread that dies holds its locks no longer than others wait. */

import { Words } from './memory.ts';

/** So many looks take some 5 us, more than a copy. */
const LOOKS = 200;
const NAP_MS = 0.1;
/** The holder copies for microseconds: it has died. */
const GIVE_UP_MS = 2000;

export class ExtentLocks {
  readonly #words: Int32Array;
  readonly #threads: number;

  constructor(words: Int32Array, threads: number) {
    this.#words = words;
    this.#threads = threads;
  }

  lock(extent: number): void {
    const at = Words.lockOf(this.#threads, extent);
    if (Atomics.compareExchange(this.#words, at, 0, 1) !== 0) this.#wait(at);
  }

  unlock(extent: number): void {
    Atomics.store(this.#words, Words.lockOf(this.#threads, extent), 0);
  }

  #wait(at: number): void {
    const words = this.#words;
    waitUntil(words, at, () => Atomics.compareExchange(words, at, 0, 1) === 0);
    Atomics.store(words, at, 1);
  }
}

/** Looks until `done` says true, sleeping in between, but not for ever.
 *  @param at the word that is not 0 meanwhile. */
export function waitUntil(words: Int32Array, at: number, done: () => boolean): void {
  for (let look = 0; look < LOOKS; look++) if (done()) return;
  for (let ms = 0; ms < GIVE_UP_MS; ms += NAP_MS) {
    Atomics.wait(words, at, 1, NAP_MS);
    if (done()) return;
  }
}
