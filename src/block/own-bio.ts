/** A bio that the program itself submits, for the control side or in place of a client's. It takes tags and
 *  turns like any other. Its data lie in its own memory, and no reply shows the device's pages. */

import type { SlabAllocator } from '../pages/allocator.ts';
import { bug } from '../units.ts';
import { Bio, type BioOwner } from './bio.ts';
import { Command } from './command.ts';
import type { TagWaiter } from './scheduler.ts';
import type { Submitter } from './submitter.ts';

/** Who made it. */
export interface OwnBioHost extends Pick<BioOwner, 'provideTarget' | 'bioDone'> {
  /** Where it is submitted; asked each time, because queues change. */
  way(): Submitter;
}

export class OwnBio implements BioOwner, TagWaiter {
  waiting = false;
  waitingSince = 0;
  readonly bio: Bio;
  readonly #host: OwnBioHost;

  constructor(host: OwnBioHost, allocator: SlabAllocator) {
    this.#host = host;
    this.bio = new Bio(this, allocator);
  }

  get waitsToRead(): boolean {
    return this.bio.command === Command.READ;
  }

  /** Submits it now, or when there are tags for it. */
  submit(): void {
    const way = this.#host.way();
    if (way.submit(this.bio)) way.unplug();
    else way.pool.wait(this);
  }

  tagsFree(): void {
    this.submit();
  }

  provideTarget(bio: Bio): boolean {
    return this.#host.provideTarget(bio);
  }

  acceptsViews(): boolean {
    return false;
  }

  viewsReady(): void {
    bug('views that nobody asked for');
  }

  /** The data are in our own memory already. */
  park(): void {}

  bioDone(bio: Bio): void {
    this.#host.bioDone(bio);
  }
}
