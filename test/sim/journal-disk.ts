/** The disk to which journals in files go: it takes its time, may become full or fail, as a run draws it, and whoever
 *  leaves a file there leaves a whole journal. Knows no device. Source: docs/journal.md, A journal in a file. */

import { type CrashLog, LogBuilder } from '../../src/crash/log.ts';
import type { JournalSink, OpenJournal, Written } from '../../src/driver/journal/journal-file.ts';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import { JournalError, Kind } from '../../src/journal/format.ts';
import type { Random } from '../fuzz/random.ts';
import { Found, failureOf } from './failure.ts';
import type { World } from './world.ts';

/** How such a disk is. */
export interface DiskPlan {
  /** ns that a write takes at most. */
  readonly writeNs: number;
  /** The share of files that end early. */
  readonly ends: number;
}

/** How a mark of an operator's begins. */
export const MARK = 'mark ';
/** Bytes after which a file ends that does: in its header, in its base, or later. */
const ROOMS = [0, 40, 5000, 100_000, 1 << 20];

interface File {
  content: Buffer;
  length: number;
  /** Of the journal for which it was opened last. */
  marks: string[];
  /** It has that one. */
  isBegun: boolean;
  /** A write has failed: what comes behind it is not there. */
  failed: boolean;
}

export class JournalDisk {
  readonly #world: World;
  readonly #random: Random;
  readonly #plan: DiskPlan;
  readonly #files = new Map<string, File>();

  constructor(world: World, random: Random, plan: DiskPlan) {
    this.#world = world;
    this.#random = random;
    this.#plan = plan;
  }

  readonly open: OpenJournal = (path) => {
    try {
      this.check(path);
    } catch (error) {
      this.#world.fail(failureOf(error));
    }
    const old = { content: Buffer.alloc(0), length: 0, failed: false, isBegun: false, marks: [] };
    const file: File = this.#files.get(path) ?? old;
    this.#files.set(path, file);
    file.marks = [];
    file.isBegun = false;
    const random = this.#random;
    const room = random.chance(this.#plan.ends) ? random.pick(ROOMS) : Number.POSITIVE_INFINITY;
    const takes = (): Promise<void> => this.#world.sleep(1 + random.below(this.#plan.writeNs));
    return new Sink(path, file, room, takes);
  };

  /** The journal that goes to `path` has taken a mark. */
  marked(path: string, text: string): void {
    this.#files.get(path)?.marks.push(text);
  }

  /** The power is off: it must be a whole journal, with all marks unless the disk has failed. @throws Found. */
  check(path: string): void {
    const file = this.#files.get(path);
    if (file?.isBegun !== true) return;
    const log = wholeLog(path, [file.content.subarray(0, file.length)], file.failed);
    if (log === undefined) return;
    const all = log.marks.map(({ text }) => text);
    // Rules have marks of their own.
    const marks = all.filter((text) => text.startsWith(MARK));
    const expected = file.failed ? file.marks.slice(0, marks.length) : file.marks;
    if (marks.join() === expected.join()) return;
    throw new Found('data', `${path}: the marks ${marks}, not ${expected}`);
  }
}

/** A journal that has an answer for no command that it does not have. @param mayEnd before its first command.
 *  @returns undefined: there it does. @throws Found: it is not whole. */
export function wholeLog(
  name: string,
  pieces: Iterable<Uint8Array>,
  mayEnd = false,
): CrashLog | undefined {
  const decoder = new JournalDecoder();
  const builder = new LogBuilder();
  let isBegun = false;
  try {
    for (const piece of pieces) {
      for (const record of decoder.push(piece)) {
        isBegun ||= record.kind !== Kind.base;
        builder.add(record);
      }
    }
    const cut = decoder.end();
    if (cut !== undefined) throw new JournalError(cut);
    return builder.finish(decoder.header);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    if (mayEnd && !isBegun) return undefined;
    throw new Found('data', `${name}: its journal: ${error.message}`);
  }
}

/** An open file. */
class Sink implements JournalSink {
  readonly path: string;
  readonly #file: File;
  readonly #room: number;
  readonly #takes: () => Promise<void>;
  #isClosed = false;
  /** A write is under way. */
  #isBusy = false;

  constructor(path: string, file: File, room: number, takes: () => Promise<void>) {
    this.path = path;
    this.#file = file;
    this.#room = room;
    this.#takes = takes;
  }

  async empty(): Promise<Written> {
    this.#begin();
    await this.#takes();
    this.#isBusy = false;
    this.#file.length = 0;
    this.#file.failed = false;
    this.#file.isBegun = true;
    return { done: 0 };
  }

  async write(data: Uint8Array, at: number): Promise<Written> {
    this.#begin();
    await this.#takes();
    this.#isBusy = false;
    // Its bytes are looked at when it ends, as by another thread.
    const done = Math.max(0, Math.min(data.length, this.#room - at));
    this.#put(data.subarray(0, done), at);
    if (done === data.length) return { done };
    this.#file.failed = true;
    return { done, problem: 'no space left on device' };
  }

  writeNow(data: Uint8Array, at: number): void {
    this.#put(data.subarray(0, Math.max(0, this.#room - at)), at);
  }

  holds(length: number): boolean {
    return !this.#isClosed && this.#file.length >= length;
  }

  read(into: Uint8Array, at: number): boolean {
    if (this.#isClosed) throw new Found('bug', `${this.path} is closed, and read`);
    const part = this.#file.content.subarray(at, Math.min(at + into.length, this.#file.length));
    into.set(part);
    return part.length === into.length;
  }

  cutAt(length: number): void {
    this.#file.length = length;
  }

  close(): void {
    if (this.#isBusy) throw new Found('bug', `${this.path} is closed while it is written`);
    this.#isClosed = true;
  }

  #begin(): void {
    if (this.#isClosed) throw new Found('bug', `${this.path} is closed, and written`);
    if (this.#isBusy) throw new Found('bug', `${this.path} is written twice at once`);
    this.#isBusy = true;
  }

  #put(data: Uint8Array, at: number): void {
    if (this.#isClosed) throw new Found('bug', `${this.path} is closed, and written`);
    const file = this.#file;
    const end = at + data.length;
    if (end > file.content.length) {
      const longer = Buffer.alloc(2 * end);
      longer.set(file.content.subarray(0, file.length));
      file.content = longer;
    }
    file.content.set(data, at);
    file.length = Math.max(file.length, end);
  }
}
