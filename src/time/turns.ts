/** Whether a turn is under way; its end runs deferred work, arranges for timers and sends replies. Work left
 *  outside a turn (by a promise that goes on, a callback, a message) gets a turn arranged for it: so code
 *  that enters the program in such a way needs to know nothing about its effects. */

export class Turns {
  /** Set by an entry that is sure to end its turn; then none needs to be arranged. */
  underWay = false;
  /** Arranges for a turn. Cheap if one is arranged already. */
  onNeeded: () => void = () => {};

  /** Something was left for the end of a turn. */
  need(): void {
    if (!this.underWay) this.onNeeded();
  }
}
