/** A journal that goes to a file while it is written: in the background, one write at a time. What is not written yet
 *  is in memory, and has a limit. Knows no paths and opens nothing. Source: crash.md section 2; docs/journal.md, A journal in a file. */

import { ErrnoError } from '../../config/errors.ts';
import type { Clock } from '../../time/clock.ts';
import { Timer, type TimerQueue } from '../../time/timer-queue.ts';
import { MiB, type Nanoseconds } from '../../units.ts';
import { type Recorder, wholeRecords } from './recorder.ts';

/** An open file of a journal, which nobody else writes. */
export interface JournalSink {
  /** As messages name it. */
  readonly path: string;
  /** Nothing that was in it is left. Never rejects, as below. */
  empty(): Promise<Written>;
  /** Never rejects. */
  write(data: Uint8Array, at: number): Promise<Written>;
  /** The same while nothing else is done, for a program that ends at once. Never throws. */
  writeNow(data: Uint8Array, at: number): void;
  /** Can so many bytes be read again? False: it keeps none, or somebody else has made it shorter. */
  holds(length: number): boolean;
  /** @returns false: what was written is not there any more. */
  read(into: Uint8Array, at: number): boolean;
  /** Ends the file there, if it can be done. */
  cutAt(length: number): void;
  close(): void;
}

/** How much was written. Less than all of it: `problem` says why, in a few words. */
export interface Written {
  readonly done: number;
  readonly problem?: string;
}

/** @param device that will write it. @throws ErrnoError when it cannot be written. */
export type OpenJournal = (path: string, device: string) => JournalSink;

/** What may wait for the disk. */
const WAITING_MAX = 256 * MiB;
/** So much is written at once; what is less waits this long for more. */
const ENOUGH = MiB / 4;
const GATHER_NS = 10e6;
/** Records of so many bytes are read at a time. */
const READ_BYTES = MiB;

/** A part of the records, and its place among them. */
interface Part {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** @param path as messages name it. */
export function unreadable(path: string): ErrnoError {
  return new ErrnoError('EIO', `journal_file=${path}: what was written there cannot be read again`);
}

export class JournalFile {
  readonly #sink: JournalSink;
  readonly #recorder: Recorder;
  readonly #timers: TimerQueue;
  readonly #clock: Pick<Clock, 'now'>;
  /** What comes before the records. */
  readonly #begin: () => Iterable<Uint8Array>;
  readonly #onFailed: (problem: string) => void;
  readonly #timer: Timer;
  /** Taken from the recorder, and not written yet. */
  readonly #parts: Part[] = [];
  /** Records: bytes that were taken, and bytes in the file. */
  #taken = 0;
  #written = 0;
  /** Where the file has its first record; negative: what comes before is not written yet. */
  #origin = -1;
  /** Places in the file where records end, some READ_BYTES apart. */
  readonly #ends: number[] = [0];
  #running: Promise<void> | undefined;
  /** No more is written. */
  #isOver = false;
  /** The sink is not ours any more. */
  #isClosed = false;

  /** @param begin header and base, asked for at the next turn or later. */
  constructor(
    sink: JournalSink,
    recorder: Recorder,
    { timers, clock }: { readonly timers: TimerQueue; readonly clock: Pick<Clock, 'now'> },
    begin: () => Iterable<Uint8Array>,
    onFailed: (problem: string) => void,
  ) {
    this.#sink = sink;
    this.#recorder = recorder;
    this.#timers = timers;
    this.#clock = clock;
    this.#begin = begin;
    this.#onFailed = onFailed;
    this.#timer = new Timer({ timerExpired: () => this.#start() });
    this.#arm();
  }

  get path(): string {
    return this.#sink.path;
  }

  /** May so many bytes wait, too? */
  hasRoom(length: number): boolean {
    // A single record may be as long as it is.
    const waiting = this.#recorder.bytes - this.#written;
    return waiting === 0 || waiting + length <= WAITING_MAX;
  }

  /** A record was written. */
  added(): void {
    if (this.#running !== undefined || this.#isOver) return;
    if (this.#recorder.bytes - this.#written >= ENOUGH) this.#start();
    else this.#arm();
  }

  /** Resolves when all records so far are in the file, or cannot be. */
  async complete(): Promise<void> {
    while (!this.#isOver && (this.#origin < 0 || this.#written < this.#recorder.bytes)) {
      this.#start();
      await this.#running;
    }
  }

  /** The same without waiting, for a program that ends at once. */
  completeNow(): void {
    if (this.#isOver || this.#origin < 0) return;
    this.#takeAll();
    // What is being written just now is written twice: with the same bytes, to the same place.
    for (const { bytes, at } of this.#parts) this.#sink.writeNow(bytes, this.#origin + at);
  }

  /** Can its records be read again, as far as one can tell without reading them? */
  get isReadable(): boolean {
    return this.#written === 0 || this.#sink.holds(this.#origin + this.#written);
  }

  /** The records up to now, whole ones in each part. @throws ErrnoError EIO while they are taken: the file does not
   *  have them, or the journal was closed. */
  records(): Generator<Uint8Array, void> {
    this.#takeAll();
    return this.#upTo(this.#isOver ? this.#written : this.#taken);
  }

  *#upTo(end: number): Generator<Uint8Array, void> {
    for (let at = 0; at < end; ) {
      const part = at < this.#written ? this.#fromFile(at, end) : this.#fromMemory(at);
      if (part === undefined) throw unreadable(this.path);
      yield part;
      at += part.length;
    }
  }

  /** What is not in the file yet goes there now. */
  close(): void {
    this.completeNow();
    this.#isOver = true;
    this.#isClosed = true;
    this.#timers.cancel(this.#timer);
    // A write that is under way needs the file.
    if (this.#running === undefined) this.#sink.close();
    else void this.#running.then(() => this.#sink.close());
  }

  #arm(): void {
    if (this.#timer.started) return;
    this.#timers.start(this.#timer, (this.#clock.now() + GATHER_NS) as Nanoseconds); // a time plus a duration
  }

  #start(): void {
    this.#timers.cancel(this.#timer);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isOver) return;
      if (this.#written < this.#recorder.bytes) this.added();
    });
  }

  async #run(): Promise<void> {
    if (this.#origin < 0 && !(await this.#writeBegin())) return;
    this.#takeAll();
    for (;;) {
      const [part] = this.#parts;
      if (part === undefined || this.#isOver) return;
      const { bytes, at } = part;
      const { done, problem } = await this.#sink.write(bytes, this.#origin + at);
      if (problem !== undefined) return this.#failed(problem, wholeRecords(bytes, done));
      this.#advance(bytes.length);
      this.#parts.shift();
      // Its other parts are written, or come behind.
      if (this.#parts[0]?.bytes.buffer !== bytes.buffer) this.#recorder.giveBack(bytes);
    }
  }

  async #writeBegin(): Promise<boolean> {
    let at = 0;
    let last = await this.#sink.empty();
    for (const bytes of this.#begin()) {
      if (this.#isOver || last.problem !== undefined) break;
      last = await this.#sink.write(bytes, at);
      at += last.done;
    }
    if (last.problem !== undefined) this.#failed(last.problem, 0);
    if (this.#isOver) return false;
    this.#origin = at;
    return true;
  }

  /** @param whole bytes of whole records of the part that was being written. */
  #failed(problem: string, whole: number): void {
    if (this.#isOver) return;
    if (whole > 0) this.#advance(whole);
    if (this.#origin >= 0) this.#sink.cutAt(this.#origin + this.#written);
    this.#isOver = true;
    this.#onFailed(problem);
  }

  #advance(length: number): void {
    this.#written += length;
    const last = this.#ends.length - 1;
    const [before = 0, end = 0] = [this.#ends[last - 1], this.#ends[last]];
    if (last > 0 && this.#written - before <= READ_BYTES) this.#ends[last] = this.#written;
    else if (this.#written > end) this.#ends.push(this.#written);
  }

  #takeAll(): void {
    for (const bytes of this.#recorder.take()) {
      this.#parts.push({ bytes, at: this.#taken });
      this.#taken += bytes.length;
    }
  }

  /** From where records begin to where some end. */
  #fromFile(at: number, most: number): Uint8Array | undefined {
    const bytes = new Uint8Array(Math.min(this.#endBehind(at), most) - at);
    const isThere = !this.#isClosed && this.#sink.read(bytes, this.#origin + at);
    // What somebody else has written there need not be records.
    return isThere && wholeRecords(bytes, bytes.length) === bytes.length ? bytes : undefined;
  }

  #endBehind(at: number): number {
    let [low, high] = [0, this.#ends.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    return this.#ends[low] ?? this.#written;
  }

  /** A copy: what was written is used for other records. */
  #fromMemory(at: number): Uint8Array | undefined {
    return this.#parts.find((part) => part.at === at && part.bytes.length > 0)?.bytes.slice();
  }
}
