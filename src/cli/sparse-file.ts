/** A file that is written from its start to its end; blocks of zeros become holes. */

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { systemText } from '../config/errors.ts';
import { StartError } from './usage-error.ts';

/** What file systems keep or leave out. */
const BLOCK = 4096;
const zeros = Buffer.alloc(BLOCK);

export class SparseFile {
  readonly #path: string;
  readonly #file: number;
  #length = 0;

  /** @throws StartError. */
  constructor(path: string) {
    this.#path = path;
    this.#file = this.#tried(() => openSync(path, 'w'));
  }

  /** @throws StartError. */
  append(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      // Blocks of the file, wherever a piece begins.
      const end = Math.min(piece.length, at + BLOCK - (this.#length % BLOCK));
      const part = piece.subarray(at, end);
      if (!zeros.subarray(0, part.length).equals(part)) this.#write(part);
      this.#length += part.length;
      at = end;
    }
  }

  /** @throws StartError. */
  close(): void {
    this.#tried(() => ftruncateSync(this.#file, this.#length));
    closeSync(this.#file);
  }

  #write(part: Uint8Array): void {
    for (let done = 0; done < part.length; ) {
      done += this.#tried(() =>
        writeSync(this.#file, part, done, part.length - done, this.#length + done),
      );
    }
  }

  #tried<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new StartError(systemText(error, this.#path));
    }
  }
}
