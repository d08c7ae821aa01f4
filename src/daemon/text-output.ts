/** Text to a file descriptor (standard output, standard error) from which nothing waits: neither for a
 *  reader that does not read, nor for a disk that is full. Knows nothing of logs.
 *
 *  Pipes and terminals are opened a second time, without blocking: their old open file description may
 *  be shared with other programs, so that its flags are not ours to change. What cannot be opened
 *  again (files, sockets, a pipe of another user) is written by libuv's threads, one write at a time. */

import { closeSync, constants, fstatSync, openSync, writeSync, writev } from 'node:fs';
import { isatty } from 'node:tty';

export interface TextOutputOptions {
  /** What waits to be written, at most, in bytes. Beyond it writes are dropped. */
  readonly bytesMax: number;
  /** `once`: the first error but EAGAIN is final. `again`: every error may pass, as a full disk does. */
  readonly tries: 'once' | 'again';
  /** A write may keep a thread of libuv waiting: for programs that have nothing else to do. */
  readonly mayBlock: boolean;
}

/** The end of a flush: written, or the code of what is in the way (ETIMEDOUT: it takes too long). */
export type Flushed = string | undefined;

/** Where a program's words go. */
export interface TextSink {
  /** Text in the place of what was dropped; undefined: nothing is said. */
  droppedText: (writes: number) => string | undefined;
  /** Never throws and never waits. */
  write(text: string): void;
  /** Done when everything is written, or when it cannot be, or after `ms`; undefined: however long. */
  flush(ms?: number): Promise<Flushed>;
}

const RETRY_MS_MIN = 2;
const RETRY_MS_MAX = 1000;
/** Of one turn or one write: the kernel's pipes hold as much. */
const BATCH_BYTES = 64 << 10;

export class TextOutput implements TextSink {
  droppedText: (writes: number) => string | undefined = () => undefined;
  readonly #fd: number;
  readonly #options: TextOutputOptions;
  /** Opened by us, without blocking; undefined: libuv's threads write to #fd. */
  readonly #own: number | undefined;
  #queue: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  /** Writes are dropped until half of the room is free: else every other one would be. */
  #full = false;
  #inFlight = false;
  #error: string | undefined;
  #retryMs = RETRY_MS_MIN;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  constructor(fd: number, options: TextOutputOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#own = options.mayBlock ? undefined : openAgain(fd);
  }

  /** A write is on its way whose end nobody can tell: the process cannot end by itself. */
  get isStuck(): boolean {
    return this.#inFlight && !isFile(this.#fd);
  }

  write(text: string): void {
    if (this.#isOver()) return;
    const bytes = Buffer.from(text);
    if (!this.#admits(bytes.length)) {
      this.#dropped++;
      return;
    }
    this.#sayDropped();
    this.#push(bytes);
    if (this.#timer === undefined && !this.#inFlight) this.#pump();
  }

  async flush(ms?: number): Promise<Flushed> {
    const end = new Promise<'ended'>((resolve) => this.#waiting.push(() => resolve('ended')));
    // At once, not when it is time for it: whoever is about to end does not wait for the next try.
    this.flushNow();
    this.#tellWaiting();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      if (ms !== undefined) timer = setTimeout(() => resolve('late'), ms);
    });
    const which = await Promise.race([end, late]);
    clearTimeout(timer);
    return this.#bytes === 0 ? this.#error : which === 'late' ? 'ETIMEDOUT' : this.#error;
  }

  /** Writes what can be written in this moment. */
  flushNow(): void {
    if (this.#inFlight || this.#bytes === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pump();
  }

  #isOver(): boolean {
    return this.#options.tries === 'once' && this.#error !== undefined && this.#error !== 'EAGAIN';
  }

  #admits(length: number): boolean {
    const { bytesMax } = this.#options;
    if (this.#full && this.#bytes > bytesMax / 2) return false;
    this.#full = this.#bytes > 0 && this.#bytes + length > bytesMax;
    return !this.#full;
  }

  #sayDropped(): void {
    if (this.#dropped === 0) return;
    const text = this.droppedText(this.#dropped);
    this.#dropped = 0;
    if (text !== undefined) this.#push(Buffer.from(text));
  }

  #push(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
  }

  #pump(): void {
    if (this.#own === undefined) this.#writeByThread(this.#fd);
    else this.#writeHere(this.#own);
  }

  #writeHere(fd: number): void {
    let room = BATCH_BYTES;
    try {
      for (let [head] = this.#queue; head !== undefined && room > 0; [head] = this.#queue) {
        const written = writeSync(fd, head);
        room -= written;
        this.#wrote(written);
      }
      if (this.#bytes > 0) this.#later();
    } catch (error) {
      this.#failed(error);
    }
  }

  #writeByThread(fd: number): void {
    const batch = this.#batch();
    if (batch.length === 0) return;
    this.#inFlight = true;
    writev(fd, batch, (error, written) => {
      this.#inFlight = false;
      if (error !== null) return this.#failed(error);
      this.#wrote(written);
      if (this.#bytes > 0) this.#pump();
    });
  }

  #batch(): Buffer[] {
    let bytes = 0;
    const end = this.#queue.findIndex((one) => {
      bytes += one.length;
      return bytes > BATCH_BYTES;
    });
    return end === -1 ? [...this.#queue] : this.#queue.slice(0, Math.max(1, end));
  }

  #wrote(count: number): void {
    this.#error = undefined;
    this.#retryMs = RETRY_MS_MIN;
    this.#bytes -= count;
    let whole = 0;
    let rest = count;
    for (let [head] = this.#queue; head !== undefined && rest >= head.length; ) {
      rest -= head.length;
      whole++;
      head = this.#queue[whole];
    }
    this.#queue.splice(0, whole);
    const [head] = this.#queue;
    if (head !== undefined && rest > 0) this.#queue[0] = head.subarray(rest);
    if (this.#bytes === 0) this.#sayDropped();
    this.#tellWaiting();
  }

  #failed(error: unknown): void {
    this.#error = codeOf(error);
    if (this.#isOver()) {
      this.#queue = [];
      this.#bytes = 0;
    } else {
      this.#later();
    }
    this.#tellWaiting();
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, this.#retryMs);
    // A line of a log keeps no process alive; who waits for its end has a timer of its own.
    if (this.#options.tries === 'again') this.#timer.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** An error but EAGAIN is not waited for: a disk stays full, and a reader that has gone stays away. */
  #tellWaiting(): void {
    const hopeless = this.#error !== undefined && this.#error !== 'EAGAIN';
    if (this.#inFlight || (this.#bytes > 0 && !hopeless)) return;
    for (const tell of this.#waiting.splice(0)) tell();
  }
}

/** @returns a description of our own of the pipe or terminal at `fd`, without blocking. */
function openAgain(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO() && !isatty(fd)) return undefined;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const own = openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (fstatSync(own).ino === fstatSync(fd).ino) return own;
    closeSync(own);
  } catch {
    // Not ours to open, or no /proc: libuv's threads write.
  }
  return undefined;
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return true; // closed: nothing is waited for there
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}
