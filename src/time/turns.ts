/** Whether a turn is under way, whose end runs deferred work, arranges for timers and sends replies. What
 *  is left for it outside of one (by a promise that goes on, a callback, a message) has a turn arranged
 *  for: so nobody who enters the program by such a way needs to know what he caused. */

export class Turns {
  /** Set by an entry that is sure to end its turn; it saves having one arranged for. */
  underWay = false;
  /** Arranges for a turn. Cheap where one is arranged for already. */
  onNeeded: () => void = () => {};

  /** Something was left for the end of a turn. */
  need(): void {
    if (!this.underWay) this.onNeeded();
  }
}
