/** Bad blocks: a set of sector ranges that is changed as a whole while requests go on, and the step that
 *  fails what touches one. Knows neither data nor zones. Source: driver.md section 5. */

import { Command } from '../block/command.ts';
import { Status } from '../block/status.ts';
import { type BadBlocksChange, rangesText } from '../config/badblocks-text.ts';
import { atOnce, type Work } from '../time/slicer.ts';
import { bug, type Sector } from '../units.ts';
import type { NullOwned } from './completion.ts';
import type { Step } from './path.ts';
import { type Range, RangeList } from './range-list.ts';

/** A write that is being prepared beside the list that requests see. */
interface Pending {
  /** What becomes the list. */
  readonly next: RangeList;
  readonly changes: readonly BadBlocksChange[];
  /** Ranges that requests have cleared since `next` was begun, and that it still has. */
  readonly cleared: Range[];
}

/** INVARIANT: `#pending` is there from `prepare` until its change is made or `abandon`. */
export class BadBlocks {
  /** Set by the first range written, bad or good: before it the list costs nothing. */
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

  /** Works out what the list is after `changes`; nothing changes, and requests go on. One at a time.
   *  O(changes log ranges).
   *  @returns makes the changes between two requests, and gives what takes them back. */
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

  /** What was prepared is not wanted any more. */
  abandon(): void {
    this.#pending = undefined;
  }

  /** What reading the attribute shows: `start length` lines, ascending; nothing for an empty list. */
  text(): string {
    return rangesText(this.#list);
  }

  /** The ranges as they are now, whatever happens to the list while they are read. */
  snapshot(): RangeList {
    return this.#list.fork();
  }

  /** The first bad sector of a range, or -1. O(log count). */
  firstBad(sector: number, sectors: number): number {
    return this.#list.firstIn(sector, sectors);
  }

  /** The whole range that holds `sector` is good from now on. */
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

/** Some 20 us. */
const CHANGES_PER_PIECE = 16;

/** Clears in the new list what requests have cleared since it was begun. That came before the write: what
 *  the write names, bad or good, stays as the write has it. */
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

/** Fails what touches a bad sector with IOERR; from sector 2^53 on, where sectors are rounded, none is bad.
 *  @param once the range that was hit is good afterwards.
 *  @param partialIo the whole blocks before the first bad sector are transferred all the same.
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
    // Not before the step: a zone append has its sector only now.
    const first = request.sector();
    const bad = list.firstBad(first, sectors);
    if (bad < 0 || bad > Number.MAX_SAFE_INTEGER) return inner(request, sectors);
    if (once) list.clearRangeAt(bad);
    onHit?.(`badblocks: sector ${bad} is bad`, request, bad);
    const before = partialIo ? bad - first - ((bad - first) % blockSectors) : 0;
    const done = before > 0 ? inner(request, before as Sector) : NOTHING; // fewer than it has
    // A failure of the memory beats the bad block.
    if (request.status() === Status.OK) request.setStatus(Status.IOERR);
    return done;
  };
}

const NOTHING = 0 as Sector; // no sectors

function transfers(request: NullOwned): boolean {
  switch (request.command()) {
    case Command.READ:
    case Command.WRITE:
    case Command.WRITE_ZEROES:
    case Command.DISCARD:
    case Command.ZONE_APPEND:
      return true;
    default:
      return false;
  }
}
