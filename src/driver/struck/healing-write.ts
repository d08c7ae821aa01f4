/** A write to sectors that fail until they are written: it heals them when it has succeeded.
 *  Source: faults.md section 1 (until=rewrite). */

import type { Bio } from '../../block/bio.ts';
import { Command, overwrites } from '../../block/command.ts';
import { OwnBio, type OwnBioHost } from '../../block/own-bio.ts';
import { Status } from '../../block/status.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import type { RuleSet } from '../../rules/rule-set.ts';
import { addRange } from './data.ts';

/** The command has ended: what it has written is healed. */
export function healed(
  { command, status, sector, writtenSector, sectors }: Bio,
  rules: RuleSet,
): void {
  if (status !== Status.OK) return;
  if (command === Command.ZONE_APPEND) rules.rewritten(writtenSector, sectors);
  else if (overwrites(command)) rules.rewritten(sector, sectors);
}

/** May the command heal sectors? Where an append goes is not known before. */
export function mayHeal({ command, sector, sectors }: Bio, rules: RuleSet): boolean {
  if (command === Command.ZONE_APPEND) return rules.hasLatent;
  return overwrites(command) && rules.isLatent(sector, sectors);
}

export class HealingWrite implements OwnBioHost {
  readonly #rules: RuleSet;
  readonly #outer: Bio;
  readonly #next: Submitter;
  readonly #inner: OwnBio;

  /** @param outer a write, an append, or zeroes. @param next where it goes. */
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
    bio.uncut = outer.uncut;
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
    healed(inner, this.#rules);
    outer.writtenSector = inner.writtenSector;
    outer.status = inner.status;
    outer.reason = inner.reason;
    outer.failedAt = inner.failedAt;
    outer.giveUp(inner.status);
  }
}
