/** A write to sectors that fail until they are written: it heals them when it has succeeded.
 *  Source: faults.md section 1 (until=rewrite). */

import type { Bio } from '../../block/bio.ts';
import { OwnBio, type OwnBioHost } from '../../block/own-bio.ts';
import { Status } from '../../block/status.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import type { RuleSet } from '../../rules/rule-set.ts';
import { addRange } from './data.ts';

export class HealingWrite implements OwnBioHost {
  readonly #rules: RuleSet;
  readonly #outer: Bio;
  readonly #next: Submitter;
  readonly #inner: OwnBio;

  /** @param outer a write, or zeroes. @param next where it goes. */
  constructor(rules: RuleSet, outer: Bio, next: Submitter, allocator: SlabAllocator) {
    this.#rules = rules;
    this.#outer = outer;
    this.#next = next;
    this.#inner = new OwnBio(this, allocator);
  }

  begin(): void {
    const outer = this.#outer;
    outer.park();
    const { bio } = this.#inner;
    bio.reset(outer.command, outer.flags, outer.sector, outer.sectors);
    bio.contiguous = outer.contiguous;
    bio.judged = true;
    addRange(outer.segments, 0, outer.segments.bytes, bio.segments);
    this.#inner.submit();
  }

  way(): Submitter {
    return this.#next;
  }

  /** It reads nothing. */
  provideTarget(): boolean {
    return false;
  }

  bioDone(inner: Bio): void {
    const outer = this.#outer;
    if (inner.status === Status.OK) this.#rules.rewritten(inner.sector, inner.sectors);
    outer.status = inner.status;
    outer.reason = inner.reason;
    outer.failedAt = inner.failedAt;
    outer.giveUp(inner.status);
  }
}
