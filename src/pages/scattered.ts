/** Pages that lie one by one among those of other slabs: what was changed upon a slab that others have as well
 *  (layers.ts) are a few pages of it, and memory of 128 KiB for them would cost Node 10 us and, by what its
 *  collector counts, 50 us more. Places of one page are cut from slabs and are always packed: when one is given back,
 *  the page in the last place moves there. Knows no tables and no layers. Source: crash.md section 1. */

import { bug } from '../units.ts';
import { type DataMemory, Room } from './memory.ts';
import {
  DATA,
  PAGE_BYTES,
  PAGES_PER_SLAB,
  RESIDENT,
  type Scattered,
  Slab,
  setMark,
  ZEROED,
} from './slab.ts';

/** What a slab has in `bytes` while its pages are scattered. */
const NOWHERE = new Uint8Array(0);

/** The part of an allocator that takes slabs to be cut. */
interface SlabSource {
  readonly memory: DataMemory;
  takeAny(room: Room): Slab | undefined;
  admit(slab: Slab, pages: number, room: Room): boolean;
  give(slab: Slab): void;
}

/** A slab cut into places. INVARIANT: a place of `owners` is in use. */
interface Chunk {
  readonly slab: Slab;
  readonly owners: (ScatteredPages | undefined)[];
  /** Which page of its owner lies there. */
  readonly pages: Uint8Array;
}

/** INVARIANTS: places below `#top` are in use or in `#holes`, those from it on are neither; a chunk has a place below
 *  `#top`; there are holes only while somebody reads the page in the last place. */
export class PagePlaces {
  readonly #allocator: SlabSource;
  readonly #chunks: Chunk[] = [];
  #top = 0;
  /** Entries in use, or from `#top` on, are left-overs. */
  readonly #holes: number[] = [];

  /** @param allocator from which slabs are taken to be cut. */
  constructor(allocator: SlabSource) {
    this.#allocator = allocator;
  }

  /** A slab of zeros whose pages will lie here; undefined: no memory. */
  takeSlab(room: Room): Slab | undefined {
    // Like a level of a table: where freed memory serves again, this is all that is new.
    if (!this.#allocator.memory.chargeSlabs(1, room === Room.ANY ? room : Room.PAYLOAD))
      return undefined;
    const slab = new Slab(NOWHERE);
    slab.scattered = new ScatteredPages(this, slab);
    return slab;
  }

  /** The slab will not be used again; it has no pages. */
  slabGone(): void {
    this.#allocator.memory.releaseSlabs(1);
  }

  /** A place for a page of zeros, or -1: no memory. */
  take(owner: ScatteredPages, page: number, room: Room): number {
    const hole = this.#hole();
    const place = hole < 0 ? this.#top : hole;
    const chunk = this.#chunks[indexOf(place)] ?? this.#newChunk(room);
    if (chunk === undefined) return -1;
    const slot = place % PAGES_PER_SLAB;
    const isDirty = ((chunk.slab.marks[slot] ?? 0) & RESIDENT) !== 0;
    if (!isDirty && !this.#allocator.admit(chunk.slab, 1 << slot, room)) {
      this.#trim();
      return -1;
    }
    if (isDirty) chunk.slab.bytes.fill(0, slot * PAGE_BYTES, (slot + 1) * PAGE_BYTES);
    chunk.owners[slot] = owner;
    chunk.pages[slot] = page;
    if (hole < 0) this.#top++;
    return place;
  }

  /** Nobody reads the page there any more. */
  give(place: number): void {
    const chunk = this.#chunk(place);
    chunk.owners[place % PAGES_PER_SLAB] = undefined;
    if (place < this.#top - 1) this.#holes.push(place);
    this.#trim();
    while (this.#holes.length > 0 && this.#moveLast());
  }

  bytesAt(place: number): Uint8Array {
    return this.#chunk(place).slab.bytes;
  }

  #chunk(place: number): Chunk {
    return this.#chunks[indexOf(place)] ?? bug(`no place ${place} for a page`);
  }

  /** Moves the page in the last place to a hole. False: it cannot, or need not. */
  #moveLast(): boolean {
    const last = this.#top - 1;
    const from = this.#chunk(last);
    const slot = last % PAGES_PER_SLAB;
    const owner = from.owners[slot] ?? bug(`nothing is in place ${last}, the last one`);
    if (owner.isRead) return false;
    const hole = this.#hole();
    if (hole < 0) return false;
    const to = this.#chunk(hole);
    const into = hole % PAGES_PER_SLAB;
    const page = from.pages[slot] ?? 0;
    const content = from.slab.bytes.subarray(slot * PAGE_BYTES, (slot + 1) * PAGE_BYTES);
    to.slab.bytes.set(content, into * PAGE_BYTES);
    to.owners[into] = owner;
    to.pages[into] = page;
    owner.places[page] = hole;
    from.owners[slot] = undefined;
    this.#trim();
    return true;
  }

  /** A free place below the last one, or -1. */
  #hole(): number {
    for (let hole = this.#holes.pop(); hole !== undefined; hole = this.#holes.pop()) {
      const isFree = hole < this.#top && this.#ownerAt(hole) === undefined;
      if (isFree) return hole;
    }
    return -1;
  }

  #ownerAt(place: number): ScatteredPages | undefined {
    return this.#chunk(place).owners[place % PAGES_PER_SLAB];
  }

  /** The last place is one in use; slabs behind it go back. */
  #trim(): void {
    while (this.#top > 0 && this.#ownerAt(this.#top - 1) === undefined) this.#top--;
    if (this.#top === 0) this.#holes.length = 0;
    while (this.#chunks.length * PAGES_PER_SLAB >= this.#top + PAGES_PER_SLAB) {
      const chunk = this.#chunks.pop();
      if (chunk !== undefined) this.#allocator.give(chunk.slab);
    }
  }

  #newChunk(room: Room): Chunk | undefined {
    const slab = this.#allocator.takeAny(room);
    if (slab === undefined) return undefined;
    const owners = new Array<ScatteredPages | undefined>(PAGES_PER_SLAB).fill(undefined);
    const chunk = { slab, owners, pages: new Uint8Array(PAGES_PER_SLAB) };
    this.#chunks.push(chunk);
    return chunk;
  }
}

function indexOf(place: number): number {
  return Math.trunc(place / PAGES_PER_SLAB);
}

/** The lowest bit that is set. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** The memory of one slab. INVARIANT: its RESIDENT pages, and no others, have places. */
export class ScatteredPages implements Scattered {
  readonly places: Int32Array = new Int32Array(PAGES_PER_SLAB);
  slab: Slab;
  readonly #pool: PagePlaces;

  constructor(pool: PagePlaces, slab: Slab) {
    this.#pool = pool;
    this.slab = slab;
  }

  /** Does a reply show it? Then its pages must not move. */
  get isRead(): boolean {
    return this.slab.pins > this.slab.shares;
  }

  bytesOf(page: number): Uint8Array {
    return this.#pool.bytesAt(this.places[page] ?? 0);
  }

  startOf(page: number): number {
    return ((this.places[page] ?? 0) % PAGES_PER_SLAB) * PAGE_BYTES;
  }

  admit(pages: number, room: Room): boolean {
    const { slab } = this;
    let taken = 0;
    for (let left = pages; left !== 0; left &= left - 1) {
      const page = lowest(left);
      const mark = slab.marks[page] ?? 0;
      if ((mark & RESIDENT) !== 0) continue;
      const place = this.#pool.take(this, page, room);
      if (place < 0) {
        this.#give(taken);
        return false;
      }
      this.places[page] = place;
      slab.residentPages++;
      setMark(slab, page, mark | RESIDENT);
      taken |= 1 << page;
    }
    return true;
  }

  giveIdle(): void {
    this.#give(this.#pagesWith(RESIDENT | DATA, RESIDENT));
  }

  end(): void {
    this.#give(this.#pagesWith(RESIDENT, RESIDENT));
    this.#pool.slabGone();
  }

  /** One bit for each page of whose mark the bits of `mask` are `bits`. */
  #pagesWith(mask: number, bits: number): number {
    let pages = 0;
    for (let page = 0; page < PAGES_PER_SLAB; page++) {
      if (((this.slab.marks[page] ?? 0) & mask) === bits) pages |= 1 << page;
    }
    return pages;
  }

  #give(pages: number): void {
    const { slab } = this;
    for (let left = pages; left !== 0; left &= left - 1) {
      const page = lowest(left);
      setMark(slab, page, (slab.marks[page] ?? 0) & ~(RESIDENT | ZEROED));
      slab.residentPages--;
      this.#pool.give(this.places[page] ?? 0);
    }
  }
}
