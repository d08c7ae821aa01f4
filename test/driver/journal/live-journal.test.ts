/** What a live journal writes down of replies that are handed to the socket together. */

import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { LIED, UNDONE } from '../../../src/block/command-journal.ts';
import { LiveJournal } from '../../../src/driver/journal/live-journal.ts';
import { createSlabAllocator } from '../../../src/pages/allocator.ts';
import { Segments } from '../../../src/pages/segments.ts';
import { systemClock, systemScheduler } from '../../../src/time/clock.ts';
import { Slicer } from '../../../src/time/slicer.ts';
import { MiB, nanoseconds } from '../../../src/units.ts';
import { World } from '../../block/world.ts';

const RECORD = 48;
const ANSWERED = 2;
const LIE = 4;
const EIO = 5;
const ENOSPC = 28;

function liveJournal(): LiveJournal {
  const { timers, deferred } = new World();
  let time = 0;
  return new LiveJournal(
    {
      ...{ name: 'nullb0', size: MiB, block: 512, capacity: MiB / 512 },
      ...{ most: MiB, whenFull: 'stop', sink: undefined },
    },
    {
      // It is later each time that somebody looks.
      clock: { now: () => nanoseconds(++time) },
      ...{ timers, deferred, debug: true, faultSeed: 'test' },
      allocator: createSlabAllocator(),
    },
    new Slicer(systemClock, systemScheduler),
    undefined,
  );
}

interface Answer {
  readonly id: number;
  readonly errno: number;
  readonly flags: number;
  readonly ns: number;
}

function answers(journal: LiveJournal): Answer[] {
  const all = Buffer.concat([...journal.now().pieces]);
  const found: Answer[] = [];
  for (let at = 0; at < all.length; at += RECORD) {
    if (all[at] !== ANSWERED) continue;
    found.push({
      id: Number(all.readBigUInt64LE(at + 8)),
      errno: all.readInt32LE(at + 32),
      flags: all.readUInt16LE(at + 2),
      ns: Number(all.readBigUInt64LE(at + 40)),
    });
  }
  return found;
}

test('replies that are handed over together have one time, and each its own errno', () => {
  const journal = liveJournal();
  const client = journal.connected();
  const ids = [1, 2, 3, 4].map(() =>
    journal.arrived(client, Command.FLUSH, 0, 0, 0, new Segments()),
  );
  // What is behind the count is of an earlier time.
  journal.answered(client, [...ids, 99], [0, ENOSPC, LIED, UNDONE, 7], 4);
  const found = answers(journal);
  expect(found.map(({ ns: _, ...rest }) => rest)).toEqual([
    { id: ids[0], errno: 0, flags: 0 },
    { id: ids[1], errno: ENOSPC, flags: 0 },
    { id: ids[2], errno: 0, flags: LIE },
    { id: ids[3], errno: EIO, flags: LIE },
  ]);
  expect(new Set(found.map(({ ns }) => ns)).size).toBe(1);
  journal.answered(client, [99], [0], 1);
  expect(answers(journal).at(-1)?.ns).toBeGreaterThan(found[0]?.ns ?? 0);
});

test('nobody hears of replies once the power is cut', () => {
  const journal = liveJournal();
  journal.cut();
  journal.answered(journal.connected(), [1, 2], [0, 0], 2);
  expect(answers(journal)).toEqual([]);
});
