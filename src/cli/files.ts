/** Files of commands: read in pieces, written in pieces. */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { shown, systemText } from '../config/errors.ts';
import { JournalError } from '../journal/format.ts';
import { MiB } from '../units.ts';
import { StartError } from './usage-error.ts';

/** The bytes of a file, piece by piece; each is only valid until the next. */
export function* piecesOf(path: string): Generator<Uint8Array, void> {
  const file = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(MiB);
    for (;;) {
      const length = readPart(file, buffer, path);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

function readPart(file: number, buffer: Uint8Array, path: string): number {
  try {
    return readSync(file, buffer, 0, buffer.length, null);
  } catch (error) {
    throw new StartError(systemText(error, path));
  }
}

/** Runs what reads `path`. @throws StartError, one line with the path, for a file that is broken. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    throw new StartError(`${shown(path)}: ${error.message}`);
  }
}

/** A file that is new, or replaces an old one; it is written from the start, or at places. */
export class OutputFile {
  readonly #path: string;
  readonly #file: number;
  #length = 0;
  /** Bytes that wait to be written, and their place. */
  readonly #buffer = new Uint8Array(MiB);
  #filled = 0;
  #at = 0;

  /** @param source the file that is read; it must be another one. */
  constructor(path: string, source: string) {
    if (isSame(path, source))
      throw new StartError(`${shown(path)}: would overwrite the file that is read`);
    this.#path = path;
    this.#file = openSync(path, 'w');
  }

  /** Behind everything written so far. */
  append(bytes: Uint8Array): void {
    this.write(this.#length, bytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const isNext = this.#at + this.#filled === offset + done;
      if (!isNext || this.#filled === this.#buffer.length) this.#flush(offset + done);
      const part = bytes.subarray(done, done + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
    }
    this.#length = Math.max(this.#length, offset + bytes.length);
  }

  /** Bytes that were not written are a hole. */
  setLength(length: number): void {
    this.#flush(0);
    this.#tried(() => ftruncateSync(this.#file, length));
  }

  close(): void {
    this.#flush(0);
    closeSync(this.#file);
  }

  #flush(next: number): void {
    for (let done = 0; done < this.#filled; ) {
      const left = this.#filled - done;
      done += this.#tried(() => writeSync(this.#file, this.#buffer, done, left, this.#at + done));
    }
    this.#filled = 0;
    this.#at = next;
  }

  /** @throws StartError, one line with the path. */
  #tried<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new StartError(systemText(error, this.#path));
    }
  }
}

function isSame(path: string, source: string): boolean {
  const [one, other] = [identityOf(path), identityOf(source)];
  return one !== undefined && one === other;
}

function identityOf(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { dev, ino } = fstatSync(file);
    return `${dev}:${ino}`;
  } catch {
    return undefined; // it does not exist, or the next one to open it says why
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
