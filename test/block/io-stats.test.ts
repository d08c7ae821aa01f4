import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { BatchTimes, IoStats, ioKinds } from '../../src/block/io-stats.ts';
import { requestCauses } from '../../src/block/refusals.ts';
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
});

test('a failure is an error of its kind and status, or a refusal by its cause: never both', () => {
  const stats = new IoStats();
  stats.failed(Command.READ, IOERR);
  stats.failed(Command.ZONE_APPEND, Status.TIMEOUT);
  stats.failed(Command.WRITE, Status.TIMEOUT);
  stats.failed(Command.WRITE, IOERR, 'zones');
  stats.refused('range');
  const errors = (of: IoStats): number => of.errors.reduce((sum, count) => sum + count, 0);
  const look = (of: IoStats): number[] => [
    errors(of),
    of.errorsOf(ioKinds.indexOf('read'), IOERR),
    of.errorsOf(ioKinds.indexOf('write'), Status.TIMEOUT),
    of.errorsOf(ioKinds.indexOf('write'), IOERR),
    ...requestCauses.map((cause) => of.refusalsBy(cause)),
    of.refusalsBy('range'),
    of.refusedWith[IOERR] ?? 0,
  ];
  expect(look(stats)).toEqual([3, 1, 2, 0, 0, 1, 1, 1]);
  const all = new IoStats();
  all.merge(stats);
  all.merge(stats);
  expect(look(all)).toEqual([6, 2, 4, 0, 0, 2, 2, 2]);
});

test('busy is as long as something is in flight, and as long as the busiest thread at least', () => {
  const stats = new IoStats();
  expect(stats.busyNs(1000)).toBe(0);
  stats.busyFrom(100);
  stats.busyFrom(150); // it was so already
  expect(stats.busyNs(160)).toBe(60);
  stats.idleFrom(200);
  stats.idleFrom(900); // it was so already
  expect(stats.busyNs(1000)).toBe(100);
  stats.busyFrom(2000);
  const all = new IoStats();
  all.merge(stats);
  expect(all.busyNs(2007)).toBe(107);
  all.busyAtLeast(50);
  expect(all.busyNs(2007)).toBe(107);
  all.busyAtLeast(5000);
  expect([all.busyNs(2000), all.busyNs(6000), all.busyNs(8000)]).toEqual([5000, 5000, 6100]);
});
