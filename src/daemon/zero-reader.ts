/** Touches memory in libuv's threads: the system reads zeros into it, and gives it its pages then. Where there is no
 *  file of zeros, nothing is touched. Source: docs/crash.md, What it costs. */

import { close, constants, openSync, read } from 'node:fs';
import type { Toucher } from '../driver/journal/recorder.ts';

const ZEROS = '/dev/zero';

export class ZeroReader implements Toucher {
  readonly #path: string;
  /** Undefined: not opened yet, or closed. */
  #file: number | undefined;
  /** Reads that are under way. */
  #reads = 0;
  #isClosed = false;

  /** @param path a file of zeros. */
  constructor(path = ZEROS) {
    this.#path = path;
  }

  touch(bytes: Uint8Array, done: (isTouched: boolean) => void): void {
    if (!this.#isClosed) this.#file ??= opened(this.#path);
    if (this.#file === undefined) {
      done(false);
      return;
    }
    this.#reads++;
    read(this.#file, bytes, 0, bytes.length, null, (error, length) => {
      this.#reads--;
      if (this.#isClosed) this.#release();
      // A signal ends it early: what it has not touched, the writer will.
      done(error === null && length > 0);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** A read that is under way needs the file. */
  #release(): void {
    if (this.#file === undefined || this.#reads > 0) return;
    close(this.#file, () => {});
    this.#file = undefined;
  }
}

function opened(path: string): number | undefined {
  try {
    // Whatever it is, opening and reading must not wait.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
