/** Operations on one device, one after the other in the order of arrival; urgent ones go before all others
 *  that have not begun. Knows no operation. Source: control.md section 2. */

type Operation = () => Promise<void>;

/** INVARIANT: the first `#urgent` of `#waiting` are urgent, in their order. */
export class Line {
  readonly #waiting: Operation[] = [];
  #urgent = 0;
  #running = false;

  /** Runs `work` when it is its turn. Rejects with what `work` rejects with. */
  run<T>(work: () => Promise<T>, isUrgent = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const operation = (): Promise<void> => work().then(resolve, reject);
      if (isUrgent) this.#waiting.splice(this.#urgent++, 0, operation);
      else this.#waiting.push(operation);
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#urgent > 0) this.#urgent--;
      await next();
    }
    this.#running = false;
  }
}
