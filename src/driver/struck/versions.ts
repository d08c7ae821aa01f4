/** What sectors held before they were written, for rules that show a read what was there some writes ago;
 *  and the writes to such sectors, one after the other. Source: faults.md section 1 (stale). */

import type { Bio } from '../../block/bio.ts';
import { Command, overwrites } from '../../block/command.ts';
import { OwnBio, type OwnBioHost } from '../../block/own-bio.ts';
import { Status } from '../../block/status.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import type { DataMemory } from '../../pages/memory.ts';
import type { Rule } from '../../rules/rule.ts';
import { bug, SECTOR_BYTES, type Sector } from '../../units.ts';
import { addRange } from './data.ts';

/** Of one rule. */
export class Versions {
  readonly #first: number;
  readonly #last: number;
  readonly #depth: number;
  readonly #memory: DataMemory;
  /** Of each sector that was written since: what it held before each write, the oldest first. */
  readonly #before = new Map<number, Uint8Array[]>();
  /** Those that wait for the one under way. */
  readonly #queue: VersionedWrite[] = [];
  /** The rule has gone: writes that wait here keep nothing. */
  #freed = false;
  #underWay = false;
  #beginning = false;

  constructor(rule: Rule, memory: DataMemory) {
    const { action, match } = rule;
    if (action?.kind !== 'stale' || match.sectors === undefined) bug('versions without a rule');
    this.#depth = action.writes;
    this.#first = match.sectors.first;
    this.#last = match.sectors.last;
    this.#memory = memory;
  }

  /** The sectors of a command that are of the rule. @returns undefined: none. */
  overlap({ command, sector, sectors }: Bio): { first: number; end: number } | undefined {
    if (!changes(command)) return undefined;
    const first = Math.max(sector, this.#first);
    const end = Math.min(sector + sectors, this.#last + 1);
    return first < end ? { first, end } : undefined;
  }

  /** What `sector` held so many writes ago as the rule says, or the longest ago that is known; undefined:
   *  it was not written since. */
  staleOf(sector: number): Uint8Array | undefined {
    const before = this.#before.get(sector);
    return before?.[Math.max(0, before.length - this.#depth)];
  }

  /** @param data of a sector that is about to be written. */
  keep(sector: number, data: Uint8Array): void {
    if (this.#freed) return;
    const before = this.#before.get(sector) ?? [];
    if (before.length === this.#depth) before.shift();
    else if (!this.#memory.charge(SECTOR_BYTES)) return;
    before.push(data.slice());
    this.#before.set(sector, before);
  }

  begin(write: VersionedWrite): void {
    this.#queue.push(write);
    this.#next();
  }

  ended(): void {
    this.#underWay = false;
    this.#next();
  }

  /** One after the other, also where each ends before the next begins: not one inside the other. */
  #next(): void {
    if (this.#beginning) return;
    this.#beginning = true;
    while (!this.#underWay) {
      const write = this.#queue.shift();
      if (write === undefined) break;
      this.#underWay = true;
      write.begin();
    }
    this.#beginning = false;
  }

  /** The rule has gone. */
  free(): void {
    this.#freed = true;
    for (const before of this.#before.values()) this.#memory.release(before.length * SECTOR_BYTES);
    this.#before.clear();
  }
}

function changes(command: Command): boolean {
  return overwrites(command) || command === Command.DISCARD;
}

/** A write that waits until what it replaces was read. */
export class VersionedWrite implements OwnBioHost {
  readonly #versions: Versions;
  readonly #outer: Bio;
  readonly #hctx: Submitter;
  readonly #next: Submitter;
  readonly #inner: OwnBio;
  readonly #first: number;
  readonly #before: Uint8Array;

  /** @param outer not borrowed. @param hctx where what it replaces is read. @param next where it goes then. */
  constructor(
    versions: Versions,
    outer: Bio,
    hctx: Submitter,
    next: Submitter,
    allocator: SlabAllocator,
    { first, end }: { readonly first: number; readonly end: number },
  ) {
    this.#versions = versions;
    this.#outer = outer;
    this.#hctx = hctx;
    this.#next = next;
    this.#inner = new OwnBio(this, allocator);
    this.#first = first;
    this.#before = new Uint8Array((end - first) * SECTOR_BYTES);
  }

  begin(): void {
    const sectors = this.#before.length / SECTOR_BYTES;
    const { bio } = this.#inner;
    bio.reset(Command.READ, 0, this.#first as Sector, sectors as Sector); // of the command's
    this.#submit();
  }

  way(): Submitter {
    return this.#inner.waitsToRead ? this.#hctx : this.#next;
  }

  provideTarget(bio: Bio): boolean {
    bio.segments.add(this.#before, 0, this.#before.length);
    return true;
  }

  bioDone(inner: Bio): void {
    const outer = this.#outer;
    if (inner.command === Command.READ) {
      if (inner.status === Status.OK) this.#keep();
      inner.reset(outer.command, outer.flags, outer.sector, outer.sectors);
      inner.contiguous = outer.contiguous;
      addRange(outer.segments, 0, outer.segments.bytes, inner.segments);
      return this.#submit();
    }
    outer.status = inner.status;
    outer.reason = inner.reason;
    outer.failedAt = inner.failedAt;
    this.#versions.ended();
    outer.giveUp(inner.status);
  }

  #keep(): void {
    for (let at = 0; at < this.#before.length; at += SECTOR_BYTES) {
      const sector = this.#first + at / SECTOR_BYTES;
      this.#versions.keep(sector, this.#before.subarray(at, at + SECTOR_BYTES));
    }
  }

  #submit(): void {
    this.#inner.bio.judged = true;
    this.#inner.submit();
  }
}

/** In a read's data: sectors are as they were. */
export function makeStale(versions: Versions, { sector, segments }: Bio): void {
  let at: number = sector;
  for (let index = 0; index < segments.count; index++) {
    const buffer = segments.buffer(index);
    const start = segments.start(index);
    // Pieces are whole sectors.
    for (let done = 0; done < segments.length(index); done += SECTOR_BYTES) {
      const data = versions.staleOf(at++);
      if (data !== undefined) buffer.set(data, start + done);
    }
  }
}
