/** What sectors held before they were written, for rules that show a read what was there some writes ago;
 *  and the writes to such sectors, one after the other. Source: faults.md section 1 (stale). */

import type { Bio } from '../../block/bio.ts';
import { Command, overwrites, RequestFlag } from '../../block/command.ts';
import { OwnBio, type OwnBioHost } from '../../block/own-bio.ts';
import { Status } from '../../block/status.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { SlabAllocator } from '../../pages/allocator.ts';
import type { DataMemory } from '../../pages/memory.ts';
import type { Segments } from '../../pages/segments.ts';
import type { Rule } from '../../rules/rule.ts';
import { bug, SECTOR_BYTES, type Sector } from '../../units.ts';
import { addRange } from './data.ts';
import { type LongJob, type LongWork, TURN_BYTES } from './long-work.ts';

/** A version of a sector: its bytes, an array and a buffer of JavaScript. */
const VERSION_BYTES = SECTOR_BYTES + 256;

/** What writes need that wait for versions. */
export interface VersionsHost {
  readonly allocator: SlabAllocator;
  readonly longWork: LongWork;
}

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

  /** @param data of a sector that is about to be written. @returns whether `written` is to be called when it
   *  has been, or not. */
  keep(sector: number, data: Uint8Array): boolean {
    if (this.#freed) return false;
    const before = this.#before.get(sector) ?? [];
    const isCharged = this.#memory.charge(VERSION_BYTES);
    if (!isCharged) {
      if (before.length < this.#depth) return false;
      before.shift();
    }
    before.push(data.slice());
    this.#before.set(sector, before);
    return isCharged;
  }

  /** What was kept of a sector becomes its latest version, or is dropped: the write has failed. */
  written(sector: number, ok: boolean): void {
    const before = this.#before.get(sector);
    if (before === undefined || (ok && before.length <= this.#depth)) return;
    if (ok) before.shift();
    else before.pop();
    if (before.length === 0) this.#before.delete(sector);
    this.#memory.release(VERSION_BYTES);
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
  get isFreed(): boolean {
    return this.#freed;
  }

  /** The rule has gone. */
  free(): void {
    this.#freed = true;
    for (const before of this.#before.values()) this.#memory.release(before.length * VERSION_BYTES);
    this.#before.clear();
  }
}

function changes(command: Command): boolean {
  return overwrites(command) || command === Command.DISCARD;
}

/** A write that waits until what it replaces was read, a piece a turn. */
export class VersionedWrite implements OwnBioHost, LongJob {
  readonly #versions: Versions;
  readonly #outer: Bio;
  readonly #hctx: Submitter;
  readonly #next: Submitter;
  readonly #inner: OwnBio;
  readonly #longWork: LongWork;
  /** What of it was not read yet. */
  #at: number;
  readonly #end: number;
  readonly #piece: Uint8Array;
  /** Sectors of which a version was kept. */
  readonly #kept: number[] = [];
  /** It is written, or has failed. */
  #isDone = false;

  /** @param outer not borrowed. @param hctx where what it replaces is read. @param next where it goes then. */
  constructor(
    versions: Versions,
    outer: Bio,
    hctx: Submitter,
    next: Submitter,
    { allocator, longWork }: VersionsHost,
    { first, end }: { readonly first: number; readonly end: number },
  ) {
    this.#versions = versions;
    this.#outer = outer;
    this.#hctx = hctx;
    this.#next = next;
    this.#inner = new OwnBio(this, allocator);
    this.#longWork = longWork;
    this.#at = first;
    this.#end = end;
    this.#piece = new Uint8Array(Math.min(TURN_BYTES, (end - first) * SECTOR_BYTES));
  }

  begin(): void {
    const sectors = Math.min(this.#piece.length / SECTOR_BYTES, this.#end - this.#at);
    const { bio } = this.#inner;
    bio.reset(Command.READ, RequestFlag.PEEK, this.#at as Sector, sectors as Sector); // of the command's
    this.#submit();
  }

  /** The next piece. */
  proceed(): number {
    if (this.#isDone) this.#settle();
    else this.begin();
    return TURN_BYTES;
  }

  way(): Submitter {
    return this.#inner.waitsToRead ? this.#hctx : this.#next;
  }

  provideTarget(bio: Bio): boolean {
    bio.segments.add(this.#piece, 0, bio.sectors * SECTOR_BYTES);
    return true;
  }

  bioDone(inner: Bio): void {
    const outer = this.#outer;
    if (inner.command === Command.READ) {
      const isRead = inner.status === Status.OK;
      if (isRead) this.#keep(inner.sectors);
      this.#at += inner.sectors;
      if (isRead && this.#at < this.#end && !this.#versions.isFreed) {
        return this.#longWork.later(this);
      }
      inner.reset(outer.command, outer.flags, outer.sector, outer.sectors);
      inner.contiguous = outer.contiguous;
      addRange(outer.segments, 0, outer.segments.bytes, inner.segments);
      return this.#submit();
    }
    outer.status = inner.status;
    outer.reason = inner.reason;
    outer.failedAt = inner.failedAt;
    this.#isDone = true;
    this.#settle();
  }

  /** What was kept becomes versions, or is dropped, some in a turn; then the write is answered. */
  #settle(): void {
    const { status } = this.#outer;
    for (let most = TURN_BYTES / SECTOR_BYTES; most > 0; most--) {
      const sector = this.#kept.pop();
      if (sector === undefined) {
        this.#versions.ended();
        return this.#outer.giveUp(status);
      }
      this.#versions.written(sector, status === Status.OK);
    }
    this.#longWork.later(this);
  }

  #keep(sectors: number): void {
    for (let one = 0; one < sectors; one++) {
      const start = one * SECTOR_BYTES;
      const sector = this.#at + one;
      const data = this.#piece.subarray(start, start + SECTOR_BYTES);
      if (this.#versions.keep(sector, data)) this.#kept.push(sector);
    }
  }

  #submit(): void {
    this.#inner.bio.judged = true;
    this.#inner.submit();
  }
}

/** In a read's data: sectors become as they were, some in a turn. */
export class StaleChange {
  readonly #versions: Versions;
  readonly #segments: Segments;
  #sector: number;
  /** The piece of the data, and where in it. */
  #index = 0;
  #done = 0;

  constructor(versions: Versions, { sector, segments }: Bio) {
    this.#versions = versions;
    this.#segments = segments;
    this.#sector = sector;
  }

  get over(): boolean {
    return this.#index === this.#segments.count;
  }

  /** @param most bytes. @returns how many were looked at. */
  proceed(most: number): number {
    const segments = this.#segments;
    let bytes = 0;
    while (bytes < most && !this.over) {
      // Pieces are whole sectors.
      const data = this.#versions.staleOf(this.#sector++);
      const start = segments.start(this.#index) + this.#done;
      if (data !== undefined) segments.buffer(this.#index).set(data, start);
      bytes += SECTOR_BYTES;
      this.#done += SECTOR_BYTES;
      if (this.#done < segments.length(this.#index)) continue;
      this.#index++;
      this.#done = 0;
    }
    return bytes;
  }
}
