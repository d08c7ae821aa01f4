/** Wakes a thread that sleeps, and only then: a message costs 4 us, looking at a word nothing.
 *
 *  No wake-up is lost: who falls asleep says so first and looks once more then; who has something puts
 *  it there first and looks then whether somebody sleeps. Atomics are seen in one order by all, so one
 *  of the two sees the other. */

const AWAKE = 0;
const ASLEEP = 1;

export class Sleeper {
  readonly #words: Int32Array;
  readonly #at: number;

  /** @param words where it says whether it sleeps, at `at`. It begins asleep. */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
    Atomics.store(words, at, ASLEEP);
  }

  /** From now on it must be woken. @param quiet whether there is nothing to do.
   *  @returns false: there is, and it is awake. */
  sleep(quiet: () => boolean): boolean {
    Atomics.store(this.#words, this.#at, ASLEEP);
    if (quiet()) return true;
    Atomics.store(this.#words, this.#at, AWAKE);
    return false;
  }

  /** It looks by itself. */
  wake(): void {
    if (Atomics.load(this.#words, this.#at) === ASLEEP) Atomics.store(this.#words, this.#at, AWAKE);
  }
}

export class Doorbell {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #ring: () => void;

  /** @param words of the sleeper. @param ring what wakes it. */
  constructor(words: Int32Array, at: number, ring: () => void) {
    this.#words = words;
    this.#at = at;
    this.#ring = ring;
  }

  /** There is something new. */
  knock(): void {
    if (Atomics.load(this.#words, this.#at) === AWAKE) return;
    if (Atomics.exchange(this.#words, this.#at, AWAKE) === ASLEEP) this.#ring();
  }
}
