/** What the clients of one device do, written down from power on: the base, then every command with its data, and
 *  what is marked. Source: crash.md section 2. */

import type { Bio } from '../../block/bio.ts';
import { Command } from '../../block/command.ts';
import type { CommandJournal, Offer } from '../../block/command-journal.ts';
import { Allocation, type Extent } from '../../block/extents.ts';
import { Room } from '../../pages/memory.ts';
import type { Segments } from '../../pages/segments.ts';
import type { Slicer } from '../../time/slicer.ts';
import { bytes, MiB, SECTOR_BYTES, type Sector } from '../../units.ts';
import type { DeviceContext } from '../parts.ts';
import { PageStore } from '../storage/page-store.ts';
import { JournalFile, type JournalSink, unreadable } from './journal-file.ts';
import type { JournalNow } from './legal-image.ts';
import { baseRecord, headerBytes, Recorder, type Toucher } from './recorder.ts';

/** What happens when there is no room for more. */
export type WhenFull = 'stop' | 'fail';

export interface LiveJournalOptions {
  readonly name: string;
  /** Bytes of the device, and of its blocks. */
  readonly size: number;
  readonly block: number;
  /** Sectors. */
  readonly capacity: number;
  /** Bytes of all records. */
  readonly most: number;
  readonly whenFull: WhenFull;
  /** Where the records go. Undefined: they stay in memory. */
  readonly sink: JournalSink | undefined;
}

type JournalBase = () => Generator<{ sector: number; data: Uint8Array }, void>;

/** Of the base, data of one record. */
const BASE_BYTES = MiB;
const NOT_WRITTEN = 0;
const FULL = 'the journal is full and ends here; journal_max gives it more';
const TOO_SLOW = 'the disk is too slow for the journal, which ends here';
const NO_ROOM = -1;
/** So much stays free when memory is taken that is not needed yet. */
const FREE_BYTES = 64 * MiB;
/** As a client's number. */
const NOBODY = 0;

export class LiveJournal implements CommandJournal {
  /** Told once, in words, where it ends before power off. */
  onEnded: ((why: string) => void) | undefined;
  readonly #options: LiveJournalOptions;
  readonly #context: DeviceContext;
  readonly #recorder: Recorder;
  readonly #slicer: Slicer;
  readonly #file: JournalFile | undefined;
  readonly #toucher: Toucher | undefined;
  /** Data as they were at power on; undefined: there were none. */
  readonly #base: PageStore | undefined;
  #offer: Offer = { cache: true, fua: true, multiConnection: false };
  #clients = 0;
  #ids = 0;
  /** It was full: nothing is written down any more. */
  #isOver = false;
  #charged = 0;
  /** The power was cut: nobody hears of anything any more. */
  #isCut = false;

  constructor(
    options: LiveJournalOptions,
    context: DeviceContext,
    slicer: Slicer,
    store: PageStore | undefined,
  ) {
    this.#options = options;
    this.#context = context;
    this.#slicer = slicer;
    const { allocator } = context;
    if (store !== undefined && store.slabCount > 0) {
      const capacity = bytes(options.capacity * SECTOR_BYTES);
      this.#base = new PageStore(allocator, capacity, undefined, store.freeze());
    }
    const began = context.clock.now();
    const { memory } = context.allocator;
    // What goes to a file is written to the same memory again and again.
    this.#toucher = options.sink === undefined ? context.makeToucher?.() : undefined;
    this.#recorder = new Recorder(
      () => Math.round(context.clock.now() - began),
      (length) => this.#charge(length),
      (length) => {
        memory.release(length);
        this.#charged -= length;
      },
      options.sink !== undefined,
      this.#ahead(),
    );
    const { sink } = options;
    if (sink === undefined) return;
    const whole = (): Iterable<Uint8Array> => this.#beginning();
    const failed = (problem: string): void => this.#failed(sink.path, problem);
    this.#file = new JournalFile(sink, this.#recorder, context, whole, failed);
  }

  #charge(length: number): boolean {
    if (!this.#context.allocator.memory.charge(length, Room.DATA)) return false;
    this.#charged += length;
    return true;
  }

  #ahead(): ConstructorParameters<typeof Recorder>[4] {
    const [toucher, { memory }] = [this.#toucher, this.#context.allocator];
    return (
      toucher && {
        take: (length) =>
          !this.#isOver &&
          this.#recorder.bytes + FREE_BYTES <= this.#options.most &&
          memory.hasRoom(length + FREE_BYTES) &&
          this.#charge(length),
        touch: (bytes, done) => toucher.touch(bytes, done),
      }
    );
  }

  get bytes(): number {
    return this.#recorder.bytes;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Can it be read again? */
  get isReadable(): boolean {
    return this.#file?.isReadable ?? true;
  }

  offered(offer: Offer): void {
    this.#offer = offer;
  }

  connected(): number {
    const client = ++this.#clients;
    if (this.#hasRoom(0)) this.#done(this.#recorder.connected(client));
    return client;
  }

  disconnected(client: number): void {
    if (this.#hasRoom(0)) this.#done(this.#recorder.disconnected(client));
  }

  arrived(
    client: number,
    command: Command,
    flags: number,
    sector: number,
    sectors: number,
    data: Segments,
    isAstray = false,
  ): number {
    const payload = command === Command.WRITE ? sectors * SECTOR_BYTES : 0;
    const id = this.#ids + 1;
    const place = [sector, sectors] as const;
    const fits =
      this.#hasRoom(payload) &&
      this.#done(this.#recorder.arrived(client, id, command, flags, ...place, data, isAstray));
    if (fits) return ++this.#ids;
    // What cannot be written down must not happen, or nothing is told of what comes after.
    return this.#options.whenFull === 'fail' ? NO_ROOM : NOT_WRITTEN;
  }

  /** A write's data go where no client sent them. Its answer is of client 0. @returns as above. */
  astray({ command, flags, sector, sectors, segments }: Bio): number {
    return this.arrived(NOBODY, command, flags, sector, sectors, segments, true);
  }

  /** Those data are there. */
  landed(id: number): void {
    this.answered(NOBODY, [id], [0], 1);
  }

  answered(client: number, ids: readonly number[], errnos: readonly number[], count: number): void {
    if (this.#isCut) return;
    const now = this.#recorder.now();
    // There is always room to say that something was answered: what is not said would be taken for lost.
    for (let at = 0; at < count && !this.#isOver; at++) {
      this.#done(this.#recorder.answered(client, ids[at] ?? 0, errnos[at] ?? 0, now));
    }
  }

  /** The power is cut: replies that are not at the socket never will be. */
  cut(): void {
    this.#isCut = true;
  }

  /** @returns false: there is no room. */
  mark(text: string): boolean {
    const encoded = new TextEncoder().encode(text);
    return this.#hasRoom(encoded.length) && this.#done(this.#recorder.mark(encoded));
  }

  /** The file, as it is now. @throws ErrnoError EIO, also while it is taken: what is written cannot be read again. */
  file(): Generator<Uint8Array, void> {
    if (this.#file?.isReadable === false) throw unreadable(this.#file.path);
    return this.#whole(this.#records());
  }

  *#whole(records: Iterable<Uint8Array>): Generator<Uint8Array, void> {
    yield* this.#beginning();
    yield* records;
  }

  /** Resolves when all of it is in its file, or cannot be. */
  async complete(): Promise<void> {
    await this.#file?.complete();
  }

  /** The same without waiting, for a program that ends at once. */
  completeNow(): void {
    this.#file?.completeNow();
  }

  #records(): Iterable<Uint8Array> {
    return this.#file?.records() ?? this.#recorder.pieces();
  }

  *#beginning(): Generator<Uint8Array, void> {
    yield this.#head();
    for (const { sector, data } of this.#baseRuns(0, this.#options.capacity)) {
      yield baseRecord(sector, data.length);
      yield data;
    }
  }

  #head(): Uint8Array {
    const { size, block, name } = this.#options;
    const { faultSeed: seed } = this.#context;
    return headerBytes({ size, block, ...this.#offer, atomic: block, seed, name });
  }

  /** What was written down by now. */
  now(): JournalNow {
    return {
      head: this.#head(),
      pieces: this.#records(),
      base: (sector, sectors) => this.#baseRuns(sector, sectors),
    };
  }

  /** It is not needed any more. */
  free(): void {
    this.#file?.close();
    this.#toucher?.close();
    this.#isOver = true;
    if (this.#base !== undefined) void this.#slicer.run(this.#base.end());
    this.#context.allocator.memory.release(this.#charged);
    this.#charged = 0;
  }

  /** Of what is no zeros, pieces of some length. */
  *#baseRuns(first: number, sectors: number): ReturnType<JournalBase> {
    const base = this.#base;
    const run: Extent = { sectors: 0, status: 0 };
    const end = Math.min(first + sectors, this.#options.capacity);
    for (let sector = first; base !== undefined && sector < end; sector += run.sectors) {
      base.at(sector, Math.min(end, sector + BASE_BYTES / SECTOR_BYTES), run);
      if ((run.status & Allocation.ZERO) !== 0) continue;
      const data = new Uint8Array(run.sectors * SECTOR_BYTES);
      base.read(sector as Sector, data, 0, data.length); // within the capacity
      yield { sector, data };
    }
  }

  #hasRoom(payload: number): boolean {
    if (this.#isOver) return false;
    const size = Recorder.size(payload);
    if (this.#recorder.bytes + size > this.#options.most) return this.#full(FULL);
    if (this.#file?.hasRoom(size) === false) return this.#full(`${this.#file.path}: ${TOO_SLOW}`);
    return true;
  }

  /** @param isWritten false: there was no memory. */
  #done(isWritten: boolean): boolean {
    if (!isWritten) return this.#full(FULL);
    this.#file?.added();
    return true;
  }

  #full(why: string): false {
    const { name, whenFull } = this.#options;
    if (whenFull === 'stop' && !this.#isOver) {
      this.#isOver = true;
      this.#context.warn?.(`${name}: ${why}`);
      this.onEnded?.(why);
    }
    return false;
  }

  /** The file takes no more. */
  #failed(path: string, problem: string): void {
    const { name, whenFull } = this.#options;
    this.#isOver = true;
    const then = whenFull === 'fail' ? '; what writes fails with ENOSPC until power off' : '';
    const why = `journal_file=${path}: ${problem}: the journal ends here${then}`;
    this.#context.warn?.(`${name}: ${why}`);
    this.onEnded?.(why);
  }
}
