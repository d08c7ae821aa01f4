/** A fault on the wire, as the rule that struck has decided it; and what stands still because of it.
 *  Source: faults.md section 3. */

import type { BlockContext } from '../../block/context.ts';
import type { PauseOver, Wire, WireFault } from '../../block/wire-fault.ts';
import type { Dice } from '../../rules/dice.ts';
import { Timer } from '../../time/timer-queue.ts';
import type { Nanoseconds } from '../../units.ts';

interface Pause {
  readonly timer: Timer;
  hurry(): void;
}

/** Connections that stand still, with the rule that has them do so, and those that drip. */
export class Stalled {
  readonly #held = new Map<() => void, string>();
  /** Between two portions. */
  readonly #pauses = new Set<Pause>();
  #open = false;
  readonly #isThere: (rule: string) => boolean;

  /** @param isThere whether there is a rule of this id. */
  constructor(isThere: (rule: string) => boolean) {
    this.#isThere = isThere;
  }

  /** How many there are of each rule that has some. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const rule of this.#held.values()) counts.set(rule, (counts.get(rule) ?? 0) + 1);
    return counts;
  }

  hold(id: string, release: () => void, context: BlockContext): () => void {
    // What was sent before may take so long that its rule has gone, and nobody would release it.
    if (this.#open || !this.#isThere(id)) return this.pause(release, 0, context);
    this.#held.set(release, id);
    return () => void this.#held.delete(release);
  }

  /** Calls `then` so much later, or soon when power goes off: then all that is left may be sent.
   *  @returns what cancels it. */
  pause(then: PauseOver, ns: number, { clock, timers }: BlockContext): () => void {
    const pause: Pause = {
      timer: new Timer({
        timerExpired: () => {
          this.#pauses.delete(pause);
          then(this.#open);
        },
      }),
      hurry: () => {
        timers.cancel(pause.timer);
        timers.start(pause.timer, clock.now());
      },
    };
    timers.start(pause.timer, (clock.now() + (this.#open ? 0 : ns)) as Nanoseconds); // a time plus a duration
    this.#pauses.add(pause);
    return () => {
      this.#pauses.delete(pause);
      timers.cancel(pause.timer);
    };
  }

  /** Power goes off: nothing stands still any more. */
  open(): void {
    this.#open = true;
    for (const pause of this.#pauses) pause.hurry();
    this.release(undefined);
  }

  /** @param ids undefined: of all rules. @returns how many go on. */
  release(ids: ReadonlySet<string> | undefined): number {
    const some = [...this.#held].filter(([, rule]) => ids?.has(rule) !== false);
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
  { stalled, context }: { readonly stalled: Stalled; readonly context: BlockContext },
): WireFault {
  return {
    wire,
    fill(bytes) {
      for (let at = 0; at < bytes.length; at++) bytes[at] = dice.word() >>> 24;
    },
    stalls: (release) => stalled.hold(id, release, context),
    later: (then, ns) => stalled.pause(then, ns, context),
  };
}
