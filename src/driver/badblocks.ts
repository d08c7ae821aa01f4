/** Bad blocks: a set of sector ranges that changes as a whole while requests go on, and the step that fails
 *  requests for them. Knows neither data nor zones. Source: driver.md section 5. */

import { Command, RequestFlag } from '../block/command.ts';
import { Status } from '../block/status.ts';
import { type BadBlocksChange, rangesText } from '../config/badblocks-text.ts';
import { atOnce, type Work } from '../time/slicer.ts';
import { bug, type Sector } from '../units.ts';
import type { NullOwned } from './completion.ts';
import type { Step } from './path.ts';
import { type Range, RangeList } from './range-list.ts';

/** A write that is prepared beside the list that requests see. */
interface Pending {
  /** The future list. */
  readonly next: RangeList;
  readonly changes: readonly BadBlocksChange[];
  /** Ranges that requests cleared since `next` was begun and that it still has. */
  readonly cleared: Range[];
}

/** INVARIANT: `#pending` is set from `prepare` until its change is made or `abandon`. */
export class BadBlocks {
  /** Set by the first range written, bad or good: before that the list costs nothing. */
  enabled = false;
  /** Called when `enabled` becomes true, once. */
  onEnabled: () => void = () => {};
  #list = new RangeList();
  #pending: Pending | undefined;

  /** How many ranges there are. */
  get count(): number {
    return this.#list.count;
  }

  /** Makes all changes, in order. */
  apply(changes: readonly BadBlocksChange[]): void {
    atOnce(this.prepare(changes))();
  }

  /** Computes the list after `changes`; nothing changes, and requests go on. One at a time.
   *  O(changes log ranges).
   *  @returns a function that makes the changes between two requests and returns one that undoes them. */
  *prepare(changes: readonly BadBlocksChange[]): Work<() => () => void> {
    const pending = { next: this.#list.fork(), changes, cleared: [] };
    this.#pending = pending;
    let made = 0;
    for (const { bad, first, last } of changes) {
      if (bad) pending.next.add(first, last);
      else pending.next.remove(first, last);
      if (++made % CHANGES_PER_PIECE === 0) yield;
    }
    yield* catchUp(pending);
    return () => this.#swap(pending);
  }

  /** Drops what was prepared. */
  abandon(): void {
    this.#pending = undefined;
  }

  /** The text of the attribute: `start length` lines, ascending; nothing for an empty list. */
  text(): string {
    return rangesText(this.#list);
  }

  /** The present ranges, unaffected by changes of the list while they are read. */
  snapshot(): RangeList {
    return this.#list.fork();
  }

  /** What reading the list shows is this from now on: between two writes of it. */
  thaw(list: RangeList): void {
    if (this.#pending !== undefined) bug('bad blocks are taken back while they are written');
    this.#list = list.fork();
    if (this.enabled || list.count === 0) return;
    this.enabled = true;
    this.onEnabled();
  }

  /** The first bad sector of a range, or -1. O(log count). */
  firstBad(sector: number, sectors: number): number {
    return this.#list.firstIn(sector, sectors);
  }

  /** From now on the whole range that holds `sector` is good. */
  clearRangeAt(sector: number): void {
    const gone = this.#list.removeAt(sector);
    if (gone !== undefined) this.#pending?.cleared.push(gone);
  }

  #swap(pending: Pending): () => void {
    if (this.#pending !== pending)
      bug('bad blocks that were not prepared, or not as the last ones');
    atOnce(catchUp(pending));
    this.#pending = undefined;
    const before = this.#list;
    this.#list = pending.next;
    if (!this.enabled) {
      this.enabled = true;
      this.onEnabled();
    }
    return () => {
      this.#list = before;
    };
  }
}

/** A piece of some 20 us. */
const CHANGES_PER_PIECE = 16;

/** Clears in the new list what requests cleared since it was begun. They came before the write: sectors that
 *  the write names, bad or good, stay as the write has them. */
function* catchUp({ next, changes, cleared }: Pending): Work {
  if (cleared.length === 0) return;
  const named = new RangeList();
  let looked = 0;
  for (const { first, last } of changes) {
    named.add(first, last);
    if (++looked % CHANGES_PER_PIECE === 0) yield;
  }
  for (let range = cleared.pop(); range !== undefined; range = cleared.pop()) {
    for (const [first, last] of named.gaps(...range)) {
      next.remove(first, last);
      yield;
    }
  }
}

/** Fails with IOERR what touches a bad sector. From sector 2^53 on, where sectors are rounded, none is bad.
 *  @param once the range that was hit is good afterwards.
 *  @param partialIo the whole blocks before the first bad sector are still transferred.
 *  @param onHit hears of each failure, in words. */
export function badBlocksStep(
  list: BadBlocks,
  once: boolean,
  partialIo: boolean,
  blockSectors: number,
  inner: Step,
  onHit?: (text: string, request: NullOwned, sector: number) => void,
): Step {
  return (request, sectors) => {
    if (!transfers(request)) return inner(request, sectors);
    // Only after the step: a zone append has its sector only now.
    const first = request.sector();
    const bad = list.firstBad(first, sectors);
    if (bad < 0 || bad > Number.MAX_SAFE_INTEGER) return inner(request, sectors);
    if (once) list.clearRangeAt(bad);
    onHit?.(`badblocks: sector ${bad} is bad`, request, bad);
    const before = partialIo ? bad - first - ((bad - first) % blockSectors) : 0;
    const done = before > 0 ? inner(request, before as Sector) : NOTHING; // fewer than it has
    // A memory failure takes precedence over the bad block.
    if (request.status() === Status.OK) request.setStatus(Status.IOERR);
    return done;
  };
}

const NOTHING = 0 as Sector; // no sectors

function transfers(request: NullOwned): boolean {
  switch (request.command()) {
    case Command.READ:
      return (request.flags() & RequestFlag.PEEK) === 0;
    case Command.WRITE:
    case Command.WRITE_ZEROES:
    case Command.DISCARD:
    case Command.ZONE_APPEND:
      return true;
    default:
      return false;
  }
}
