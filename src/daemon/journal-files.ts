/** The files that journals go to: each is new, empty, or an older journal, and of one device.
 *  Source: crash.md section 2; docs/journal.md, A journal in a file. */

import {
  close,
  closeSync,
  constants,
  fstatSync,
  ftruncate,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { ErrnoError, shown, systemText } from '../config/errors.ts';
import type { JournalSink, OpenJournal, Written } from '../driver/journal/journal-file.ts';
import { MAGIC } from '../driver/journal/recorder.ts';
import { type FileLock, lockFile } from './file-lock.ts';

const truncated = promisify(ftruncate);
const written = promisify(write);

/** Who has a file; it may have it twice for a moment, between two journals. */
interface Claim {
  readonly device: string;
  readonly lock: FileLock;
  count: number;
  /** The last write to it that was begun. */
  writing: Promise<unknown>;
}

/** A sink's part in it. */
interface Share {
  /** Undefined: a device of the system. */
  readonly claim: Claim | undefined;
  readonly release: () => void;
}

export interface JournalFiles {
  readonly open: OpenJournal;
  /** The daemon has stopped: others may have the files. */
  end(): void;
}

/** Of one daemon: it keeps two devices, and other daemons, from the same file. */
export function journalFiles(): JournalFiles {
  /** By what the system calls the file. */
  const claims = new Map<string, Claim>();
  return {
    open(path, device) {
      const { file, isNew } = opened(path);
      try {
        return new SinkFile(path, file, isNew, claimed(claims, path, file, device));
      } catch (error) {
        closeSync(file);
        if (isNew) unlinkSync(path);
        throw error;
      }
    },
    end() {
      for (const { lock } of claims.values()) lock.release();
    },
  };
}

function claimed(claims: Map<string, Claim>, path: string, file: number, device: string): Share {
  const stat = fstatSync(file);
  if (!stat.isFile() && !stat.isCharacterDevice()) throw refusal(path, 'is not a regular file');
  // A device of the system has no content, and may be written by many.
  if (!stat.isFile()) return { claim: undefined, release: () => {} };
  if (stat.size > 0 && !isJournal(file)) {
    throw refusal(path, 'is not a journal, and not empty: it is left as it is');
  }
  const key = `${stat.dev}:${stat.ino}`;
  const claim = claims.get(key) ?? newClaim(key, path, device);
  if (claim.device !== device) throw refusal(path, `has the journal of ${claim.device}`);
  claims.set(key, claim);
  claim.count++;
  const release = (): void => {
    if (--claim.count > 0) return;
    claims.delete(key);
    claim.lock.release();
  };
  return { claim, release };
}

function newClaim(key: string, path: string, device: string): Claim {
  const lock = lockFile(key);
  if (lock === undefined)
    throw refusal(path, 'has the journal of another daemon, which still runs');
  return { device, lock, count: 0, writing: Promise.resolve() };
}

function isJournal(file: number): boolean {
  const begin = new Uint8Array(MAGIC.length);
  const length = readSync(file, begin, 0, begin.length, 0);
  return length === begin.length && begin.every((byte, at) => byte === MAGIC[at]);
}

function opened(path: string): { readonly file: number; readonly isNew: boolean } {
  // A pipe must not wait for who reads it.
  const { O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK, O_NOCTTY } = constants;
  const flags = O_RDWR | O_NONBLOCK | O_NOCTTY;
  try {
    return { file: openSync(path, flags | O_CREAT | O_EXCL, 0o644), isNew: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw refusal(path, systemText(error));
    }
  }
  try {
    return { file: openSync(path, flags), isNew: false };
  } catch (error) {
    throw refusal(path, systemText(error));
  }
}

function refusal(path: string, why: string): ErrnoError {
  const name = shown(path);
  const rule = why.startsWith(`${name}: `) ? why.slice(name.length + 2) : why;
  return new ErrnoError('EINVAL', `journal_file=${name}: ${rule}`, 'journal_file');
}

class SinkFile implements JournalSink {
  readonly path: string;
  readonly #where: string;
  readonly #file: number;
  readonly #share: Share;
  /** We made it, and nothing is in it. */
  #isUnused: boolean;

  constructor(path: string, file: number, isNew: boolean, share: Share) {
    this.path = shown(path);
    this.#where = path;
    this.#file = file;
    this.#isUnused = isNew;
    this.#share = share;
  }

  async empty(): Promise<Written> {
    this.#isUnused = false;
    // Of the journal before, which may be on its way to a slow disk.
    await this.#share.claim?.writing;
    try {
      // What is not a regular file has no length.
      if (fstatSync(this.#file).isFile()) await truncated(this.#file, 0);
      return { done: 0 };
    } catch (error) {
      return { done: 0, problem: systemText(error) };
    }
  }

  write(data: Uint8Array, at: number): Promise<Written> {
    const writing = this.#write(data, at);
    const { claim } = this.#share;
    if (claim !== undefined) claim.writing = writing;
    return writing;
  }

  async #write(data: Uint8Array, at: number): Promise<Written> {
    let done = 0;
    try {
      while (done < data.length) {
        const { bytesWritten } = await written(
          this.#file,
          data,
          done,
          data.length - done,
          at + done,
        );
        done += bytesWritten;
      }
      return { done };
    } catch (error) {
      return { done, problem: systemText(error) };
    }
  }

  writeNow(data: Uint8Array, at: number): void {
    try {
      for (let done = 0; done < data.length; ) {
        done += writeSync(this.#file, data, done, data.length - done, at + done);
      }
    } catch {
      // The program ends, or the file is closed: what is not there is missing at its end.
    }
  }

  holds(length: number): boolean {
    try {
      const stat = fstatSync(this.#file);
      return stat.isFile() && stat.size >= length;
    } catch {
      return false;
    }
  }

  read(into: Uint8Array, at: number): boolean {
    try {
      for (let done = 0; done < into.length; ) {
        const length = readSync(this.#file, into, done, into.length - done, at + done);
        if (length === 0) return false;
        done += length;
      }
      return true;
    } catch {
      return false;
    }
  }

  cutAt(length: number): void {
    try {
      ftruncateSync(this.#file, length);
    } catch {
      // It ends within a record then, and readers say so.
    }
  }

  close(): void {
    if (this.#isUnused) remove(this.#where);
    this.#share.release();
    close(this.#file, () => {});
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else was faster.
  }
}
