/** A log of a device as lines of JSON: the kept entries, then new ones. A reader slower than what is logged misses
 *  entries that the ring has dropped. Source: faults.md section 2; test-api.md section 4. */

import { Readable } from 'node:stream';
import type { Slicer, Work } from '../time/slicer.ts';
import { limits } from './limits.ts';

/** Text of this length is handed on. */
const GATHERED_CHARS = 16 << 10;

/** A place in a log. */
export interface Place {
  /** What the next ones are read behind. */
  readonly at: number;
  /** Undefined: nobody wants to read what is there. */
  readonly entry: object | undefined;
}

/** What a log needs to be read like this. */
export interface LogSource {
  /** What is there behind a place; 0: from the first on. */
  after(at: number): Iterable<Place>;
  /** @returns a function that stops it. */
  listen(listener: () => void): () => void;
}

export function entryLine(entry: object): string {
  return `${JSON.stringify(entry)}\n`;
}

export class LogStream extends Readable {
  readonly #source: LogSource;
  readonly #slicer: Slicer;
  /** The last place that was read. */
  #last: number;
  #unlisten: (() => void) | undefined;
  /** The reader waits for an entry. */
  #wanted = false;
  #gathering = false;
  /** There are new entries since the last look. */
  #news = false;

  /** @param after a place. @param follow also what comes, until the stream is destroyed
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
      const before = this.#last;
      let room: number = limits.entriesPerPiece.max;
      // Anew for each piece: what the ring has may change in between.
      for (const { at, entry } of this.#source.after(this.#last)) {
        if (entry !== undefined) text += entryLine(entry);
        this.#last = at;
        if (--room === 0) break;
      }
      if (this.#last === before) break;
      yield;
    }
    return text;
  }
}
