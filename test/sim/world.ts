/** Virtual time and the event loop in it: what is due runs in an order that follows from the seed, then
 *  what asked to run after the sockets; nothing sleeps, and nothing reads the system's clock. Knows no
 *  sockets and no devices. Source: docs/simulator.md. */

import type { Clock, Scheduler } from '../../src/time/clock.ts';
import type { Deferred } from '../../src/time/deferred.ts';
import type { TimerQueue } from '../../src/time/timer-queue.ts';
import type { Nanoseconds } from '../../src/units.ts';
import type { Random } from '../fuzz/random.ts';
import { type Failure, failure, failureOf } from './failure.ts';

/** Something that happens at a time. Made once and started again and again. */
export class Happening {
  readonly run: () => void;
  /** It only looks: nothing has gone on because it ran. */
  readonly watches: boolean;
  at = 0;
  /** Of two at one time the one that was started first comes first. */
  order = 0;
  /** Place in the heap; -1: not started. */
  place = -1;

  constructor(run: () => void, watches = false) {
    this.run = run;
    this.watches = watches;
  }
}

/** How the machine is that the daemon runs on. */
export interface Machine {
  /** ns that each look at the clock takes. */
  readonly clockReadNs: number;
  /** ns that an iteration of the event loop takes at most. */
  readonly iterationNs: number;
  /** ns that a timer of the event loop is late at most. */
  readonly timerLateNs: number;
}

/** So many iterations in a row in which nothing but immediates ran are a loop without progress: a slice
 *  of every deferred work that a run has, many times over. */
const IDLE_ITERATIONS_MAX = 20_000;
/** Rounds of Node's own event loop in which whatever was begun there goes on, or begins something else. */
const ROUNDS = 4;
const MS = 1e6;

export class World implements Clock {
  /** The daemon's; undefined until it is made. */
  timers: TimerQueue | undefined;
  deferred: Deferred | undefined;
  /** Promises may be waiting: microtasks run after each step. */
  promises = 0;
  /** The same, after this step only. */
  settle = false;
  /** Rounds that Node's own event loop is still given before anything else happens. */
  #rounds = 0;
  /** The trace: equal for equal seeds. */
  hash = 0;
  /** What went wrong first. */
  failed: Failure | undefined;
  readonly #random: Random;
  readonly #machine: Machine;
  #now = 1e9;
  #orders = 0;
  readonly #heap: Happening[] = [];
  #immediates: (() => void)[] = [];
  /** Those of the iteration before. */
  #ran: (() => void)[] = [];
  /** Iterations since anything but an immediate ran. */
  #idle = 0;

  constructor(random: Random, machine: Machine) {
    this.#random = random;
    this.#machine = machine;
  }

  /** The daemon's look at the clock, which takes time. */
  now(): Nanoseconds {
    this.#now += this.#machine.clockReadNs;
    return this.#now as Nanoseconds; // it is in ns
  }

  /** The time in ns, for those who are outside of the daemon. */
  get time(): number {
    return this.#now;
  }

  /** How many things are yet to happen by themselves. */
  get pending(): number {
    return this.#heap.length;
  }

  readonly scheduler: Scheduler = {
    immediate: (callback) => {
      this.#immediates.push(callback);
    },
    timeout: (callback, milliseconds) => {
      const late = this.#random.below(this.#machine.timerLateNs + 1);
      const happening = new Happening(callback);
      // Node's timers are at least 1 ms.
      this.start(happening, Math.max(1, Math.trunc(milliseconds)) * MS + late);
      return () => this.cancel(happening);
    },
  };

  /** Starts `happening` in `ns` from now; one that is started already stays as it is. */
  start(happening: Happening, ns: number): void {
    if (happening.place >= 0) return;
    happening.at = this.#now + ns;
    happening.order = this.#orders++;
    this.#heap.push(happening);
    this.#up(this.#heap.length - 1, happening);
  }

  cancel(happening: Happening): void {
    const place = happening.place;
    if (place < 0) return;
    happening.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === happening) return;
    this.#put(place, last);
    this.#up(place, last);
    this.#down(last.place, last);
  }

  /** After this many ns. For operators; whoever waits must not be forgotten by `promises`. */
  sleep(ns: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.settle = true;
        resolve();
      };
      this.start(new Happening(wake), ns);
    });
  }

  /** Mixes a number into the trace. */
  note(value: number): void {
    this.hash = Math.imul(this.hash ^ value, 0x01000193) >>> 0;
  }

  /** Something was begun that goes on in ticks or immediates of Node's own. */
  ticks(): void {
    this.settle = true;
    this.#rounds = ROUNDS;
  }

  fail(what: Failure): void {
    this.failed ??= what;
  }

  /** Runs until `over` says so, or something failed. */
  async run(over: () => boolean): Promise<void> {
    await this.#microtasks(); // what was begun before
    while (this.failed === undefined && !over()) {
      if (this.#immediates.length === 0 && this.#heap.length === 0) {
        await this.#microtasks();
        if (this.#immediates.length > 0 || this.#heap.length > 0) continue;
        this.fail(failure('hang', 'nothing is left that could happen'));
        return;
      }
      this.#advance();
      await this.#runDue();
      await this.#runImmediates();
    }
  }

  async #runDue(): Promise<void> {
    const now = this.#now;
    for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
      if (!next.watches) this.#idle = 0;
      this.cancel(next);
      this.note(next.at);
      if (!this.#attempt(next.run)) return;
      if (this.promises > 0 || this.settle) await this.#microtasks();
    }
  }

  async #runImmediates(): Promise<void> {
    if (this.#immediates.length === 0) return;
    const batch = this.#immediates;
    this.#immediates = this.#ran;
    this.#immediates.length = 0;
    this.#ran = batch;
    for (const callback of batch) {
      if (!this.#attempt(callback)) return;
      if (this.promises > 0 || this.settle) await this.#microtasks();
    }
    if (++this.#idle > IDLE_ITERATIONS_MAX) {
      const busy = this.deferred?.pending === true ? 'deferred work' : 'looking at the sockets';
      this.fail(failure('spin', `${IDLE_ITERATIONS_MAX} turns in a row without progress: ${busy}`));
    }
  }

  #attempt(run: () => void): boolean {
    try {
      run();
    } catch (error) {
      this.fail(failureOf(error));
    }
    return this.failed === undefined;
  }

  async #microtasks(): Promise<void> {
    this.settle = false;
    do {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    } while (this.#rounds-- > 0);
    this.#rounds = 0;
  }

  /** Sleeping ends with what happens next. Where somebody wants to look again at once an iteration takes
   *  its time. Spinning for a timer of the daemon's goes on until the timer, or what happens before: where
   *  all that is asked for is what the iteration before did, which is a look; work is another each time. */
  #advance(): void {
    const next = this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
    if (this.#immediates.length === 0) {
      this.#now = Math.max(this.#now, next);
      return;
    }
    this.#now += 1 + this.#random.below(this.#machine.iterationNs);
    if (this.deferred?.pending === true || next <= this.#now) return;
    if (!this.#immediates.every((one) => this.#ran.includes(one))) return;
    const timer = this.timers?.next ?? Number.POSITIVE_INFINITY;
    if (timer === Number.POSITIVE_INFINITY || timer <= this.#now) return;
    this.#now = Math.max(this.#now, Math.min(next, Math.ceil(timer)));
    this.#idle = 0;
  }

  #before(a: Happening, b: Happening): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #put(place: number, happening: Happening): void {
    this.#heap[place] = happening;
    happening.place = place;
  }

  #up(from: number, happening: Happening): void {
    let place = from;
    while (place > 0) {
      const parent = this.#heap[(place - 1) >> 1];
      if (parent === undefined || !this.#before(happening, parent)) break;
      this.#put(place, parent);
      place = (place - 1) >> 1;
    }
    this.#put(place, happening);
  }

  #down(from: number, happening: Happening): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      let least = this.#heap[child];
      const right = this.#heap[child + 1];
      if (least !== undefined && right !== undefined && this.#before(right, least)) {
        least = right;
        child++;
      }
      if (least === undefined || !this.#before(least, happening)) break;
      this.#put(place, least);
      place = child;
    }
    this.#put(place, happening);
  }
}
