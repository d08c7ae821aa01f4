import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { BatchTimes, IoStats, ioKinds } from '../../src/block/io-stats.ts';
import { Status } from '../../src/block/status.ts';

const { OK, IOERR } = Status;

test('a batch of several kinds is counted by kind, with its one time', () => {
  const stats = new IoStats();
  const batch = new BatchTimes(stats);
  batch.ended(Command.WRITE, 8, OK);
  batch.ended(Command.READ, 16, OK);
  batch.ended(Command.READ, 16, IOERR);
  batch.ended(Command.WRITE, 8, OK);
  batch.ended(Command.ZONE_APPEND, 1, OK);
  batch.over(1000);
  expect([...stats.requests]).toEqual([2, 3, 0, 0, 0, 0]);
  expect([...stats.sectors]).toEqual([16, 17, 0, 0, 0, 0]);
  expect(stats.errors[IOERR]).toBe(1);
  expect(stats.histogram(1)).toMatchObject({ count: 3, sum: 3000 });
});

test('a batch counts once', () => {
  const stats = new IoStats();
  const batch = new BatchTimes(stats);
  batch.ended(Command.FLUSH, 0, OK);
  batch.over(10);
  batch.over(10);
  batch.ended(Command.FLUSH, 0, OK);
  batch.over(10);
  expect(stats.requests[ioKinds.indexOf('flush')]).toBe(2);
});

test('a request that ended later has its own time', () => {
  const stats = new IoStats();
  stats.ended(Command.DISCARD, 100, OK, 5e9);
  stats.ended(Command.ZONE_RESET, 100, IOERR, 7);
  expect(stats.sectors[ioKinds.indexOf('discard')]).toBe(100);
  expect(stats.histogram(ioKinds.indexOf('discard')).max).toBe(5e9);
  expect(stats.sectors[ioKinds.indexOf('zone')]).toBe(0);
  expect(stats.errors[IOERR]).toBe(1);
});
