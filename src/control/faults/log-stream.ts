/** The log of a device's faults as lines of JSON: the kept entries, then new ones. A reader slower than the
 *  faults misses entries that the ring has dropped; the numbers of entries show it. Source: faults.md section
 *  2. */

import { Readable } from 'node:stream';
import type { LogEntry } from '../../rules/fault-log.ts';
import type { Slicer, Work } from '../../time/slicer.ts';
import { limits } from '../limits.ts';

/** Text of this length is handed on. */
const GATHERED_CHARS = 16 << 10;

/** What a log needs to be read like this. */
export interface LogSource {
  logAfter(seq: number): Iterable<LogEntry>;
  /** @returns a function that stops it. */
  listen(listener: () => void): () => void;
}

export function entryLine(entry: object): string {
  return `${JSON.stringify(entry)}\n`;
}

export class LogStream extends Readable {
  readonly #source: LogSource;
  readonly #slicer: Slicer;
  /** The number of the last entry that was read. */
  #last: number;
  #unlisten: (() => void) | undefined;
  /** The reader waits for an entry. */
  #wanted = false;
  #gathering = false;
  /** There are new entries since the last look. */
  #news = false;

  /** @param after the number of an entry. @param follow also what comes, until the stream is destroyed
   *  or ended. */
  constructor(source: LogSource, slicer: Slicer, after: number, follow: boolean) {
    super();
    this.#source = source;
    this.#slicer = slicer;
    this.#last = after;
    // This runs within a command: it only notes that there is something.
    if (follow) this.#unlisten = source.listen(() => this.#wake());
  }

  override _read(): void {
    this.#wanted = true;
    this.#gather();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopListening();
    done(error);
  }

  /** Nothing comes any more: the device has gone. */
  end(): void {
    this.#stopListening();
    if (this.#wanted) this.#gather();
  }

  #stopListening(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  #wake(): void {
    if (this.#news) return;
    this.#news = true;
    if (this.#wanted && !this.#gathering) setImmediate(() => this.#gather());
  }

  #gather(): void {
    if (this.#gathering || this.destroyed) return;
    this.#gathering = true;
    this.#news = false;
    this.#slicer.run(this.#piece()).then(
      (text) => this.#hand(text),
      (error) => this.destroy(error),
    );
  }

  #hand(text: string): void {
    this.#gathering = false;
    if (this.destroyed || !this.#wanted) return;
    if (text !== '') {
      this.#wanted = false;
      this.push(text);
    } else if (this.#news) {
      this.#gather();
    } else if (this.#unlisten === undefined) {
      this.push(null);
    }
  }

  *#piece(): Work<string> {
    let text = '';
    while (text.length < GATHERED_CHARS) {
      const before = text.length;
      let room: number = limits.entriesPerPiece.max;
      // Anew for each piece: what the ring has may change in between.
      for (const entry of this.#source.logAfter(this.#last)) {
        text += entryLine(entry);
        this.#last = entry.seq;
        if (--room === 0) break;
      }
      if (text.length === before) break;
      yield;
    }
    return text;
  }
}
