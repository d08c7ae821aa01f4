/** What a journal takes of memory while it is written. */

import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Recorder } from '../../../src/driver/journal/recorder.ts';
import { Segments } from '../../../src/pages/segments.ts';
import { MiB } from '../../../src/units.ts';

const RECORD = 48;

function recorder(limit: number): { journal: Recorder; used: () => number } {
  let used = 0;
  const journal = new Recorder(
    () => 7,
    (length) => {
      if (used + length > limit) return false;
      used += length;
      return true;
    },
    (length) => {
      used -= length;
    },
  );
  return { journal, used: () => used };
}

function write(journal: Recorder, id: number, bytes: number): boolean {
  const data = new Segments();
  data.add(new Uint8Array(bytes).fill(id), 0, bytes);
  return journal.arrived(1, id, Command.WRITE, 0, 8, bytes / 512, data);
}

test('memory is taken as it is written to, a MiB at a time', () => {
  const { journal, used } = recorder(Number.POSITIVE_INFINITY);
  expect(used()).toBe(0);
  let most = 0;
  for (let id = 0; id < 5000; id++) {
    expect(write(journal, id, 4096)).toBe(true);
    most = Math.max(most, used() - journal.bytes);
  }
  expect(journal.bytes).toBe(5000 * (RECORD + 4096));
  // The last one, and what was left of the piece before.
  expect(most).toBeLessThanOrEqual(2 * MiB);
  const length = journal.pieces().reduce((sum, piece) => sum + piece.length, 0);
  expect(length).toBe(journal.bytes);
});

test('without memory nothing is written, and what was written stays', () => {
  const { journal, used } = recorder(2 * MiB);
  let written = 0;
  while (write(journal, written, 4096)) written++;
  expect(written).toBeGreaterThan(200);
  expect(journal.bytes).toBe(written * (RECORD + 4096));
  expect(used()).toBeLessThanOrEqual(2 * MiB);
  expect(write(journal, written, 64 * 1024)).toBe(false);
  const length = journal.pieces().reduce((sum, piece) => sum + piece.length, 0);
  expect(length).toBe(journal.bytes);
});

test('one record is as long as it is', () => {
  const { journal } = recorder(Number.POSITIVE_INFINITY);
  expect(write(journal, 1, 3 * MiB)).toBe(true);
  expect(write(journal, 2, 3 * MiB)).toBe(true);
  expect(journal.pieces().map(({ length }) => length)).toEqual([
    RECORD + 3 * MiB,
    RECORD + 3 * MiB,
  ]);
});
