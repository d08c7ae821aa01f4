/** A fault on the wire, as the rule that struck has decided it; and what stands still because of it.
 *  Source: faults.md section 3. */

import type { BlockContext } from '../../block/context.ts';
import type { Wire, WireFault } from '../../block/wire-fault.ts';
import type { Dice } from '../../rules/dice.ts';
import { Timer } from '../../time/timer-queue.ts';
import type { Nanoseconds } from '../../units.ts';

/** Connections that stand still, with the rule that has them do so. */
export class Stalled {
  readonly #held = new Map<() => void, string>();

  count(id: string): number {
    let count = 0;
    for (const rule of this.#held.values()) if (rule === id) count++;
    return count;
  }

  hold(id: string, release: () => void): () => void {
    this.#held.set(release, id);
    return () => void this.#held.delete(release);
  }

  /** @param id undefined: of all rules. @returns how many go on. */
  release(id: string | undefined): number {
    const some = [...this.#held].filter(([, rule]) => id === undefined || rule === id);
    for (const [release] of some) {
      this.#held.delete(release);
      release();
    }
    return some.length;
  }
}

/** @param id of the rule. @param dice as they stand: what is drawn follows. */
export function wireFault(
  id: string,
  wire: Wire,
  dice: Dice,
  stalled: Stalled,
  { clock, timers }: BlockContext,
): WireFault {
  return {
    wire,
    fill(bytes) {
      for (let at = 0; at < bytes.length; at++) bytes[at] = dice.word() >>> 24;
    },
    stalls: (release) => stalled.hold(id, release),
    later(then, ns) {
      const timer = new Timer({ timerExpired: then });
      timers.start(timer, (clock.now() + ns) as Nanoseconds); // a time plus a duration
      return () => timers.cancel(timer);
    },
  };
}
