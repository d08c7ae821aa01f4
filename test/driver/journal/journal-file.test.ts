/** A journal on its way to a file whose writes end when the test wants. crash.md section 2, journal_file. */

import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import {
  JournalFile,
  type JournalSink,
  type Written,
} from '../../../src/driver/journal/journal-file.ts';
import { wholeRecords } from '../../../src/driver/journal/recorder.ts';
import { Segments } from '../../../src/pages/segments.ts';
import { TimerQueue } from '../../../src/time/timer-queue.ts';
import { MiB, nanoseconds } from '../../../src/units.ts';
import { dice } from '../../crash/random-log.ts';
import { testRuns } from '../../test-runs.ts';
import { countedRecorder } from './counted.ts';

const HEAD = Buffer.from('the header, and the base');

/** The file is a buffer. */
class Disk implements JournalSink {
  readonly path = '/j';
  #bytes = Buffer.from('what was there before');
  #length = this.#bytes.length;
  isClosed = false;
  readonly #most: number;
  #next: (() => void) | undefined;

  /** @param most bytes that there is room for. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  async empty(): Promise<Written> {
    this.#length = 0;
    return { done: 0 };
  }

  async write(data: Uint8Array, at: number): Promise<Written> {
    // Its bytes are looked at when it ends, as by another thread.
    await new Promise<void>((resolve) => {
      this.#next = resolve;
    });
    const done = Math.min(data.length, this.#most - at);
    this.writeNow(data.subarray(0, done), at);
    return done < data.length ? { done, problem: 'no space left' } : { done };
  }

  writeNow(data: Uint8Array, at: number): void {
    if (this.isClosed) throw new Error('it is closed');
    this.#length = Math.max(this.#length, at + data.length);
    if (this.#length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#length * 2)]);
    }
    this.#bytes.set(data, at);
  }

  holds(length: number): boolean {
    return this.#length >= length;
  }

  read(into: Uint8Array, at: number): boolean {
    if (this.isClosed) throw new Error('it is closed');
    const part = this.content.subarray(at, at + into.length);
    into.set(part);
    return part.length === into.length;
  }

  cutAt(length: number): void {
    this.#length = length;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Ends the write that is under way. @returns whether there was one. */
  async step(): Promise<boolean> {
    await new Promise(setImmediate);
    const next = this.#next;
    this.#next = undefined;
    next?.();
    await new Promise(setImmediate);
    return next !== undefined;
  }
}

function journalOn(disk: Disk) {
  const { recorder, used } = countedRecorder(true);
  const failed: string[] = [];
  const timers = new TimerQueue();
  const clock = { now: () => nanoseconds(0) };
  const file = new JournalFile(
    disk,
    recorder,
    { timers, clock },
    () => [HEAD],
    (problem) => failed.push(problem),
  );
  let id = 0;
  const write = (bytes: number): void => {
    const data = new Segments();
    data.add(new Uint8Array(bytes).fill(++id), 0, bytes);
    expect(recorder.arrived(1, id, Command.WRITE, 0, 0, bytes / 512, data)).toBe(true);
    file.added();
  };
  const wait = (): void => {
    for (; timers.next < Number.POSITIVE_INFINITY; ) timers.expire(nanoseconds(1e12));
  };
  return { recorder, file, failed, write, wait, used };
}

/** The same records as they are in memory. */
function twin() {
  const { recorder } = countedRecorder(false);
  let id = 0;
  return {
    write(bytes: number): void {
      const data = new Segments();
      data.add(new Uint8Array(bytes).fill(++id), 0, bytes);
      recorder.arrived(1, id, Command.WRITE, 0, 0, bytes / 512, data);
    },
    bytes: () => Buffer.concat(recorder.pieces()),
  };
}

test('file and memory together are always all records, and at the end the file is', async () => {
  for (let seed = 1; seed <= testRuns(6); seed++) {
    const roll = dice(seed);
    const disk = new Disk();
    const { file, failed, write, wait, used } = journalOn(disk);
    const all = twin();
    for (let n = 0; n < 40; n++) {
      // Some fill a piece of memory to its end, some are longer than one.
      const sectors = [1, 8, 8, 64, 300, 700, 2047, 3000][Math.floor(roll() * 8)] ?? 1;
      write(sectors * 512);
      all.write(sectors * 512);
      if (roll() < 0.2) wait();
      for (let steps = roll() * 3; steps >= 1; steps--) await disk.step();
      if (roll() < 0.1) {
        let parts = 0;
        const seen: Uint8Array[] = [];
        for (const part of file.records()) {
          expect(wholeRecords(part, part.length)).toBe(part.length);
          seen.push(part);
          // What is being read goes to the file meanwhile.
          if (++parts % 2 === 0) await disk.step();
        }
        expect(Buffer.concat(seen).equals(all.bytes())).toBe(true);
      }
    }
    let isDone = false;
    void file.complete().then(() => {
      isDone = true;
    });
    while (!isDone) await disk.step();
    expect(disk.content.equals(Buffer.concat([HEAD, all.bytes()]))).toBe(true);
    expect(failed).toEqual([]);
    // Some pieces, and the one that grows, which may be as long as one record.
    expect(used()).toBeLessThanOrEqual(8 * MiB);
    expect(Buffer.concat([...file.records()]).equals(all.bytes())).toBe(true);
    file.close();
    expect(disk.isClosed).toBe(true);
  }
});

test('memory goes back while the disk keeps up', async () => {
  const disk = new Disk();
  const { write, used } = journalOn(disk);
  let most = 0;
  for (let n = 0; n < 200; n++) {
    write(MiB / 4);
    await disk.step();
    most = Math.max(most, used());
  }
  expect(most).toBeLessThanOrEqual(8 * MiB);
});

test('a disk that stands still does not take memory without end', async () => {
  const disk = new Disk();
  const { file, write } = journalOn(disk);
  let written = 0;
  while (file.hasRoom(MiB + 48)) {
    write(MiB);
    written++;
    expect(written).toBeLessThan(300);
  }
  expect(written).toBeGreaterThan(200);
  while (await disk.step());
  expect(file.hasRoom(MiB + 48)).toBe(true);
});

test('a disk that becomes full ends the file behind the last whole record that fits', async () => {
  const record = 48 + 512;
  for (let room = HEAD.length; room < HEAD.length + 4 * record; room += 37) {
    const disk = new Disk(room);
    const { file, failed, write, wait } = journalOn(disk);
    const all = twin();
    for (let n = 0; n < 5; n++) {
      write(512);
      all.write(512);
    }
    wait();
    while (await disk.step());
    const fits = Math.floor((room - HEAD.length) / record) * record;
    expect(disk.content.equals(Buffer.concat([HEAD, all.bytes().subarray(0, fits)]))).toBe(true);
    expect(failed).toEqual(['no space left']);
    await file.complete();
    expect(Buffer.concat([...file.records()]).length).toBe(fits);
    file.close();
    expect(disk.content.length).toBe(HEAD.length + fits);
  }
});

test('a program that ends at once writes what waits, also what is being written', async () => {
  const disk = new Disk();
  const { file, write, wait } = journalOn(disk);
  const all = twin();
  const one = (): void => {
    write(4096);
    all.write(4096);
  };
  one();
  wait();
  await disk.step(); // header and base
  one();
  file.completeNow();
  expect(disk.content.equals(Buffer.concat([HEAD, all.bytes()]))).toBe(true);
  one();
  file.close();
  expect(disk.content.equals(Buffer.concat([HEAD, all.bytes()]))).toBe(true);
  expect(disk.isClosed).toBe(false); // a write is under way
  while (await disk.step());
  expect(disk.isClosed).toBe(true);
  expect(disk.content.equals(Buffer.concat([HEAD, all.bytes()]))).toBe(true);
});

test('what is not in the file any more is not left out in silence', async () => {
  for (const harm of ['shorter', 'a hole', 'other bytes', 'closed'] as const) {
    const disk = new Disk();
    const { file, write, wait } = journalOn(disk);
    for (let n = 0; n < 5; n++) write(MiB);
    wait();
    while (await disk.step());
    expect(file.isReadable).toBe(true);
    const records = file.records();
    expect(records.next().done).toBe(false);
    if (harm === 'shorter') disk.cutAt(HEAD.length + MiB + 4096);
    else if (harm === 'a hole') disk.writeNow(Buffer.alloc(48 * 32768), HEAD.length + MiB + 48);
    else if (harm === 'other bytes') disk.writeNow(Buffer.alloc(8 * MiB, 'x'), 0);
    else file.close();
    if (harm === 'shorter') expect(file.isReadable).toBe(false);
    expect(() => [...records]).toThrow('journal_file=/j: what was written there cannot be read');
  }
});
