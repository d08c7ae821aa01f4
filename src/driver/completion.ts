/** How a processed request completes: inline, deferred (softirq) or by timer. An error never skips the delay.
 *  Source: driver.md sections 2 and 3 (step 7); parameters irqmode, completion_nsec. */

import type { BlockContext } from '../block/context.ts';
import type { DriverData } from '../block/driver-data.ts';
import type { ARef, Owned } from '../block/owned.ts';
import type { Status } from '../block/status.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import { ReusedList } from '../time/reused-list.ts';
import { Timer, type TimerTarget } from '../time/timer-queue.ts';
import { bug, type Nanoseconds, nanoseconds } from '../units.ts';

/** What the driver keeps with each request slot: the timer, and the reference that it owns while it
 *  runs. Made with the tag set; starting the timer allocates nothing. */
export class NullRequestData implements TimerTarget {
  readonly timer = new Timer(this);
  /** The timeout fault chose this request: it must not be processed. */
  fakeTimeout = false;
  /** It was not processed: its timeout will end it. */
  leftAlone = false;
  #reference: NullRef | undefined;

  /** The timer takes `reference` and completes the request at `deadline`. */
  completeAt(context: BlockContext, deadline: Nanoseconds, reference: NullRef): void {
    this.#reference = reference;
    context.timers.start(this.timer, deadline);
  }

  /** Ends the request with `status` through `other`, one more reference to it, if it waits for a timer or was
   *  left alone. @returns false: it was not ended, and `other` still belongs to the caller. */
  giveUp(context: BlockContext, other: NullRef, status: Status): boolean {
    if (this.leftAlone) {
      this.leftAlone = false;
      other.complete(status);
      return true;
    }
    if (!this.timer.started) return false;
    context.timers.cancel(this.timer);
    other.drop();
    const reference = this.#reference ?? bug('a completion timer without its request');
    this.#reference = undefined;
    reference.complete(status);
    return true;
  }

  timerExpired(): void {
    const reference = this.#reference ?? bug('a completion timer without its request');
    this.#reference = undefined;
    reference.complete(reference.status());
  }
}

/** What the driver keeps with each hardware queue: requests that wait to be polled for. Only `leaveToPoll`
 *  puts them there. */
export class NullHctxData {
  polled: NullOwned[] = [];
}

/** Where a tag set comes from. */
export interface NullTagSetData {
  /** True for the tag set that all devices with shared_tags use. */
  readonly shared: boolean;
}

export interface NullData extends DriverData {
  readonly request: NullRequestData;
  readonly hctx: NullHctxData;
  readonly tagSet: NullTagSetData;
  /** The device's name. */
  readonly queue: string;
}

export type NullOwned = Owned<NullData>;
export type NullRef = ARef<NullData>;
export type Complete = (request: NullOwned) => void;

/** The next poll of its queue processes `request`. */
export function leaveToPoll(request: NullOwned): void {
  const hctx = request.hctx();
  hctx.data.polled.push(request);
  hctx.pollSoon();
}

/** The reference that the device has of a processed request, the mapping of its data included. */
function share(request: NullOwned): NullRef {
  const reference = request.intoShared();
  if (reference.bio().views.count > 0) reference.map();
  return reference;
}

/** irqmode 0. A request whose pages the reply will show takes the long way of every shared request:
 *  2 shared, 3 mapped, 2 handed to the device, 3 revived by its tag to complete. */
export function completeInline(request: NullOwned): void {
  if (request.bio().views.count === 0) {
    request.end(request.status());
    return;
  }
  const { set } = request.hctx();
  const tag = request.tag();
  share(request).drop();
  const completion = set.tagToRq(tag) ?? bug(`tag ${tag}: vanished from the device`);
  completion.complete(completion.status());
}

/** irqmode 1: complete in the deferred context. */
export function completeDeferred(request: NullOwned): void {
  const hctx = request.hctx();
  hctx.completeLater(share(request));
}

/** Hears where a batch of requests begins and ends that are processed one after the other. */
export interface Batch {
  begin(): void;
  end(): void;
}

/** Shorter delays take less time than a few system calls. */
const TOGETHER_BELOW_NS = 50_000;

/** irqmode 2: complete `delay` after processing is done. With a short delay the requests of one batch share
 *  one reading of the clock, when the last of them is processed, and expire together: a system call for each
 *  reply would make the others later than the batch took. With a longer delay they would come and go in step
 *  for ever and wait for each other: there each has its own time. */
export class TimedCompletion implements Batch {
  readonly complete: Complete = (request) => {
    if (this.#open) this.#batch.push(request);
    else this.#start(request, this.#context.clock.now());
  };
  readonly #delay: Nanoseconds;
  readonly #context: BlockContext;
  readonly #batch = new ReusedList<NullOwned>();
  #open = false;

  constructor(delay: Nanoseconds, context: BlockContext) {
    this.#delay = delay;
    this.#context = context;
  }

  begin(): void {
    this.#open = this.#delay < TOGETHER_BELOW_NS;
  }

  end(): void {
    this.#open = false;
    const batch = this.#batch;
    if (batch.count === 0) return;
    const now = this.#context.clock.now();
    for (let at = 0; at < batch.count; at++) {
      const request = batch.at(at);
      if (request !== undefined) this.#start(request, now);
    }
    batch.clear();
  }

  #start(request: NullOwned, now: Nanoseconds): void {
    const data = request.data();
    const deadline = (now + this.#delay) as Nanoseconds; // a time plus a duration
    data.completeAt(this.#context, deadline, share(request));
  }
}

/** How requests complete, and what hears about batches of them. */
export interface Completion {
  readonly complete: Complete;
  /** Undefined: completion ignores batches. */
  readonly batch: Batch | undefined;
}

/** From irqmode and completion_nsec. */
export function completionOf(options: DeviceOptions, context: BlockContext): Completion {
  switch (options.irqmode) {
    case 0:
      return { complete: completeInline, batch: undefined };
    case 1:
      return { complete: completeDeferred, batch: undefined };
    case 2: {
      const batch = new TimedCompletion(nanoseconds(options.completion_nsec), context);
      return { complete: batch.complete, batch };
    }
  }
}
