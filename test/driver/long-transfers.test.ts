/** Long reads and writes of copied data go on in the next turn: counted, not timed. split.ts; slices.ts. */

import { describe, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { TestBio, World } from '../block/world.ts';
import { Io, wholeDevice } from './whole.ts';

const MIB = 2048; // sectors
/** Copied in a turn, in sectors: 512 KiB. */
const COPY = 1024;
const LONG = 32 * MIB;

function data(sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  for (let at = 0; at < sectors; at++) bytes.fill(at / COPY + 1, at * 512, (at + 1) * 512);
  return bytes;
}

function made(...words: readonly string[]) {
  const world = new World();
  const it = wholeDevice(world, ['memory_backed=1', 'size=128', 'discard=1', ...words]);
  /** How often another client has a reply before `one` has ended. */
  const between = (one: Io): number => {
    let replies = 0;
    one.submit(it.disk);
    for (; one.ends === 0; world.deferred.run()) {
      expect(new Io(Command.READ, 100 * MIB, 8).submit(it.disk).ends).toBe(1);
      replies++;
    }
    expect(one.status).toBe(Status.OK);
    return replies;
  };
  return { ...it, world, between };
}

describe('with a write cache', () => {
  test('writes, reads of what it holds and zeroes with memory leave others a turn each 512 KiB', () => {
    const { between, device } = made('cache_size=64');
    expect(between(new Io(Command.WRITE, 0, LONG, data(LONG)))).toBe(LONG / COPY - 1);
    const read = new Io(Command.READ, 0, LONG);
    expect(between(read)).toBe(LONG / COPY - 1);
    expect(Buffer.compare(read.data, data(LONG))).toBe(0);
    expect(device.stats().cache?.usedBytes).toBe(LONG * 512);
    expect(between(new Io(Command.WRITE_ZEROES, 0, LONG))).toBe(LONG / COPY - 1);
  });

  test('a long read goes on so when the cache is emptied meanwhile', () => {
    const { disk, world, between } = made('cache_size=64');
    between(new Io(Command.WRITE, 0, LONG, data(LONG)));
    const read = new Io(Command.READ, 0, LONG).submit(disk);
    const flush = new Io(Command.FLUSH, 0, 0).submit(disk);
    let turns = 0;
    for (; read.ends === 0; turns++) world.deferred.run();
    expect(turns).toBe(LONG / COPY - 1);
    expect(flush.ends).toBe(1);
    expect(Buffer.compare(read.data, data(LONG))).toBe(0);
  });

  test('a read of what it does not hold shows pages at once', () => {
    const { disk, between } = made('cache_size=64');
    between(new Io(Command.WRITE, 0, LONG, data(LONG)));
    const elsewhere = new TestBio(Command.READ, LONG, LONG);
    disk.queue.hctx(0).submit(elsewhere.bio);
    disk.queue.hctx(0).unplug();
    expect(elsewhere.views).toBe(1);
    elsewhere.bio.unmap();
  });
});

test.each(['max_sectors=128', 'max_sectors=100'])('with %s so do all long ones', (word) => {
  const { between, device } = made(word);
  const turns = between(new Io(Command.WRITE, 0, LONG, data(LONG)));
  expect(turns).toBeGreaterThanOrEqual(LONG / (COPY + 100));
  expect(turns).toBeLessThan(LONG / COPY);
  const read = new Io(Command.READ, 0, LONG);
  expect(between(read)).toBe(turns);
  expect(Buffer.compare(read.data, data(LONG))).toBe(0);
  const { write } = device.stats().operations;
  expect(write.requests).toBe(Math.ceil(LONG / Number(word.split('=')[1])));
});

test('without either, a long request is one, and done at once', () => {
  const { disk, device } = made();
  expect(new Io(Command.WRITE, 0, LONG, data(LONG)).submit(disk)).toMatchObject({ ends: 1 });
  expect(device.stats().operations.write.requests).toBe(1);
});

test('a payload that is to be overwritten is copied before the first pause', () => {
  const { disk, world } = made('cache_size=64');
  const payload = data(2 * COPY);
  const one = new Io(Command.WRITE, 0, 2 * COPY, payload);
  one.submit(disk);
  expect(one).toMatchObject({ ends: 0, parked: 1 });
  payload.fill(0xee);
  world.settle();
  const read = new Io(Command.READ, 0, 2 * COPY).submit(disk);
  world.settle();
  expect(Buffer.compare(read.data, data(2 * COPY))).toBe(0);
});
