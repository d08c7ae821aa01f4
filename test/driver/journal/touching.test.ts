/** Memory of a journal that is touched before records come to it: by a toucher that is late, fails, or outlives it. */

import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { LiveJournal } from '../../../src/driver/journal/live-journal.ts';
import type { Recorder, Toucher } from '../../../src/driver/journal/recorder.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { DataMemory } from '../../../src/pages/memory.ts';
import { Segments } from '../../../src/pages/segments.ts';
import { systemClock, systemScheduler } from '../../../src/time/clock.ts';
import { Slicer } from '../../../src/time/slicer.ts';
import { bytes, MiB } from '../../../src/units.ts';
import { World } from '../../block/world.ts';
import { type Counted, countedRecorder } from './counted.ts';

const RECORD = 48;
const PAGE = 4096;
const AHEAD = 4 * MiB;
const UNUSED = Buffer.alloc(MiB);

/** Writes when the test wants, and all of it: who has written there meanwhile is found out. */
class SlowToucher implements Toucher {
  regions = 0;
  isClosed = false;
  #end: (() => void) | undefined;

  touch(region: Uint8Array, done: (isTouched: boolean) => void): void {
    if (this.#end !== undefined) throw new Error('one is being touched');
    if (!UNUSED.equals(region)) throw new Error('it was written to');
    this.regions++;
    this.#end = () => {
      region.fill(0);
      done(true);
    };
  }

  end(): void {
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }

  close(): void {
    this.isClosed = true;
  }
}

/** @param free bytes that may be taken ahead of need. */
function recording(touch: Toucher['touch'], free = Number.POSITIVE_INFINITY): Counted {
  let ahead = 0;
  return countedRecorder(false, (take) => ({
    take: (length) => {
      if (ahead + length > free) return false;
      ahead += length;
      take(length);
      return true;
    },
    touch,
  }));
}

function content(id: number, length: number): Buffer {
  return Buffer.alloc(length, 1 + (id % 251));
}

function write(journal: Recorder, id: number, length = PAGE): void {
  const data = new Segments();
  data.add(content(id, length), 0, length);
  const isWritten = journal.arrived(1, id, Command.WRITE, 0, 8, length / 512, data);
  if (!isWritten) throw new Error(`no memory for record ${id}`);
}

/** The records are there, in order, with their data. */
function verify(journal: Recorder, lengths: readonly number[]): void {
  const all = Buffer.concat(journal.pieces());
  expect(all.length).toBe(journal.bytes);
  let at = 0;
  for (const [id, length] of lengths.entries()) {
    if (Number(all.readBigUInt64LE(at + 8)) !== id) throw new Error(`record ${id} is another`);
    const data = all.subarray(at + RECORD, at + RECORD + length);
    if (!data.equals(content(id, length))) throw new Error(`record ${id} has other data`);
    at += RECORD + length;
  }
  expect(at).toBe(all.length);
}

function run(
  { recorder, used }: Counted,
  count: number,
  between: (id: number) => void,
  lengthOf: (id: number) => number = () => PAGE,
): number {
  let most = 0;
  const lengths: number[] = [];
  for (let id = 0; id < count; id++) {
    const length = lengthOf(id);
    lengths.push(length);
    write(recorder, id, length);
    between(id);
    most = Math.max(most, used() - recorder.bytes);
  }
  verify(recorder, lengths);
  return most;
}

test('the first MiB is not touched ahead: a journal of few commands takes no more than before', () => {
  const toucher = new SlowToucher();
  const counted = recording((...how) => toucher.touch(...how));
  run(counted, 200, () => toucher.end());
  expect(toucher.regions).toBe(0);
  expect(counted.used()).toBe(MiB);
});

test('a toucher that keeps up touches nearly all, and never much more than is needed', () => {
  const toucher = new SlowToucher();
  const counted = recording((...how) => toucher.touch(...how));
  const most = run(counted, 10_000, () => toucher.end());
  // All but the first piece and the first MiB of the two others.
  expect(toucher.regions).toBeGreaterThan(Math.floor(counted.recorder.bytes / MiB) - 4);
  expect(most).toBeLessThanOrEqual(AHEAD + 2 * MiB);
});

test.each([
  ['late now and then', (id: number) => id % 3000 < 1500 && id % 100 === 0],
  ['late by half a MiB', (id: number) => id % 128 === 0],
  ['always late', (id: number) => id % 2000 === 1999],
  ['never done', () => false],
])('nobody waits for a toucher that is %s, and no record is written where it writes', (_, ends) => {
  const toucher = new SlowToucher();
  const counted = recording((...how) => toucher.touch(...how));
  const most = run(counted, 20_000, (id) => {
    if (ends(id)) toucher.end();
  });
  expect(toucher.regions).toBeGreaterThan(0);
  // A region is passed over once in so many records as fill 32 MiB.
  const passed = MiB * (1 + Math.ceil(counted.recorder.bytes / (32 * MiB)));
  expect(most).toBeLessThanOrEqual(AHEAD + 2 * MiB + passed);
});

test('long records pass over a region, and over the end of a piece', () => {
  const toucher = new SlowToucher();
  const counted = recording((...how) => toucher.touch(...how));
  const lengths = [PAGE, 512, 3 * MiB, PAGE, 5 * MiB, 64 * 1024, MiB];
  const lengthOf = (id: number): number => lengths[id % lengths.length] ?? PAGE;
  run(counted, 70, (id) => void (id % 4 === 0 && toucher.end()), lengthOf);
  expect(toucher.regions).toBeGreaterThan(1);
});

test('where touching fails, it is not tried again', () => {
  let tries = 0;
  const counted = recording((_, done) => {
    tries++;
    done(false);
  });
  const most = run(counted, 10_000, () => {});
  expect(tries).toBe(1);
  expect(most).toBeLessThanOrEqual(2 * MiB);
});

test('memory that others may need is not taken ahead', () => {
  const toucher = new SlowToucher();
  const counted = recording((...how) => toucher.touch(...how), 2 * MiB);
  run(counted, 10_000, () => toucher.end());
  expect(toucher.regions).toBe(2);
});

/** Of a device without data. @param limit of all memory. @param most of its records. */
function liveJournal(limit: number, most: number) {
  const { clock, timers, deferred } = new World();
  const memory = new DataMemory({ limit: bytes(limit) });
  const toucher = new SlowToucher();
  const size = { size: 64 * MiB, block: 512, capacity: (64 * MiB) / 512 };
  const journal = new LiveJournal(
    { name: 'nullb0', ...size, most, whenFull: 'stop', sink: undefined },
    {
      ...{ clock, timers, deferred, debug: true, faultSeed: 'test' },
      allocator: createSlabAllocator({ memory }),
      makeToucher: () => toucher,
    },
    new Slicer(systemClock, systemScheduler),
    undefined,
  );
  return { journal, memory, toucher };
}

function fill(journal: LiveJournal, count: number): void {
  const data = new Segments();
  data.add(new Uint8Array(PAGE), 0, PAGE);
  for (let at = 0; at < count; at++) journal.arrived(1, Command.WRITE, 0, 0, 8, data);
}

test('a journal that ends while memory is being touched gives all of it back', () => {
  const { journal, memory, toucher } = liveJournal(1024 * MiB, 512 * MiB);
  fill(journal, 300);
  expect(toucher.regions).toBe(1);
  // What is being touched is counted.
  expect(memory.usedBytes).toBeGreaterThanOrEqual(journal.bytes + MiB);
  journal.free();
  expect(toucher.isClosed).toBe(true);
  expect(memory.usedBytes).toBe(0);
  toucher.end();
  expect(memory.usedBytes).toBe(0);
  expect(toucher.regions).toBe(1);
});

test('near the limit of memory, and of the journal, nothing is touched ahead', () => {
  const [memory, records] = [liveJournal(60 * MiB, 512 * MiB), liveJournal(1024 * MiB, 60 * MiB)];
  for (const { journal, toucher } of [memory, records]) {
    fill(journal, 10_000);
    expect(journal.isOver).toBe(false);
    expect(toucher.regions).toBe(0);
  }
  expect(memory.memory.refusals).toBe(0);
});
