/** Text to a file descriptor (standard output, standard error) that never makes anything wait: neither for a
 *  reader that does not read, nor for a full disk. Knows nothing about logs.
 *
 *  Pipes and terminals are opened a second time, without blocking: other programs may share the old open file
 *  description, so we must not change its flags. What cannot be opened again (files, sockets, another user's
 *  pipe) is written by libuv's threads, one write at a time. */

import { closeSync, constants, fstatSync, openSync, writeSync, writev } from 'node:fs';
import { isatty } from 'node:tty';

export interface TextOutputOptions {
  /** How many bytes may wait to be written. Writes beyond it are dropped. */
  readonly bytesMax: number;
  /** `once`: the first error other than EAGAIN is final. `again`: every error may pass, such as a full
   *  disk. */
  readonly tries: 'once' | 'again';
  /** A write may keep a thread of libuv waiting: for programs that have nothing else to do. */
  readonly mayBlock: boolean;
}

/** The end of a flush: written, or the code of the obstacle (ETIMEDOUT: it takes too long). */
export type Flushed = string | undefined;

/** Where a program's output goes. */
export interface TextSink {
  /** The text that replaces what was dropped. Undefined: none. */
  droppedText: (writes: number) => string | undefined;
  /** Text, or octets as they are. Never throws and never waits. */
  write(text: string | Uint8Array): void;
  /** Resolves when everything is written, when it cannot be, or after `ms`. Undefined: no time limit. */
  flush(ms?: number): Promise<Flushed>;
}

const RETRY_MS_MIN = 2;
const RETRY_MS_MAX = 1000;
/** How much one turn or one write takes: the kernel's pipes hold as much. */
const BATCH_BYTES = 64 << 10;

export class TextOutput implements TextSink {
  droppedText: (writes: number) => string | undefined = () => undefined;
  readonly #fd: number;
  readonly #options: TextOutputOptions;
  /** Opened by us, without blocking. Undefined: libuv's threads write to #fd. */
  readonly #own: number | undefined;
  #queue: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  /** Writes are dropped until half of the room is free; otherwise every other one would be. */
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

  /** A write is under way whose end cannot be known: the process cannot end by itself. */
  get isStuck(): boolean {
    return this.#inFlight && !isFile(this.#fd);
  }

  write(text: string | Uint8Array): void {
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
    // At once, before the next regular try: a process that is about to end does not wait for it.
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

  /** Writes what can be written at this moment. */
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
    // A line of a log keeps no process alive; a caller that waits for the end has a timer of its own.
    if (this.#options.tries === 'again') this.#timer.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** Only EAGAIN is worth waiting for: a disk stays full, and a reader that is gone stays away. */
  #tellWaiting(): void {
    const hopeless = this.#error !== undefined && this.#error !== 'EAGAIN';
    if (this.#inFlight || (this.#bytes > 0 && !hopeless)) return;
    for (const tell of this.#waiting.splice(0)) tell();
  }
}

/** @returns an open file description of our own for the pipe or terminal at `fd`, without blocking. */
function openAgain(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO() && !isatty(fd)) return undefined;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const own = openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (fstatSync(own).ino === fstatSync(fd).ino) return own;
    closeSync(own);
  } catch {
    // We may not open it, or there is no /proc: libuv's threads write.
  }
  return undefined;
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return true; // closed: it is waited for nowhere
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}
