/** What sectors held before they were written, for rules that show a read what was there some writes ago;
 *  and the writes to such sectors, one after the other. Source: faults.md section 1 (stale). */

import { Bio, type BioOwner } from '../../block/bio.ts';
import { Command } from '../../block/command.ts';
import type { HwQueue } from '../../block/hw-queue.ts';
import type { TagWaiter } from '../../block/scheduler.ts';
import { Status } from '../../block/status.ts';
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
    for (const before of this.#before.values()) this.#memory.release(before.length * SECTOR_BYTES);
    this.#before.clear();
  }
}

function changes(command: Command): boolean {
  return (
    command === Command.WRITE || command === Command.WRITE_ZEROES || command === Command.DISCARD
  );
}

/** A write that waits until what it replaces was read. */
export class VersionedWrite implements BioOwner, TagWaiter {
  waiting = false;
  waitingSince = 0;
  readonly #versions: Versions;
  readonly #outer: Bio;
  readonly #hctx: HwQueue;
  readonly #inner: Bio;
  readonly #first: number;
  /** Where the write goes then. */
  readonly #next: (write: Bio) => boolean;
  readonly #before: Uint8Array;

  /** @param outer not borrowed. */
  constructor(
    versions: Versions,
    outer: Bio,
    hctx: HwQueue,
    allocator: SlabAllocator,
    { first, end }: { readonly first: number; readonly end: number },
    next: (write: Bio) => boolean,
  ) {
    this.#next = next;
    this.#versions = versions;
    this.#outer = outer;
    this.#hctx = hctx;
    this.#inner = new Bio(this, allocator);
    this.#first = first;
    this.#before = new Uint8Array((end - first) * SECTOR_BYTES);
  }

  get waitsToRead(): boolean {
    return this.#inner.command === Command.READ;
  }

  begin(): void {
    const sectors = this.#before.length / SECTOR_BYTES;
    this.#inner.reset(Command.READ, 0, this.#first as Sector, sectors as Sector); // of the command's
    this.#submit();
  }

  tagsFree(): void {
    this.#submit();
  }

  provideTarget(bio: Bio): boolean {
    bio.segments.add(this.#before, 0, this.#before.length);
    return true;
  }

  acceptsViews(): boolean {
    return false;
  }

  viewsReady(): void {
    bug('views that nobody asked for');
  }

  park(): void {}

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
    this.#inner.judged = true;
    const taken = this.waitsToRead ? this.#hctx.submit(this.#inner) : this.#next(this.#inner);
    if (taken) this.#hctx.unplug();
    else this.#hctx.pool.wait(this);
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
