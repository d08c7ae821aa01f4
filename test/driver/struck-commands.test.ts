/** What rules do to commands of a device, in injected time. faults.md section 1. */

import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Status, statusErrno } from '../../src/block/status.ts';
import type { NullDevice } from '../../src/driver/null-device.ts';
import type { CutWish } from '../../src/driver/snapshots/power-cut.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { parseRules } from '../../src/rules/plan.ts';
import { ReplayLog } from '../../src/rules/replay-log.ts';
import { World } from '../block/world.ts';
import { options } from '../config/words.ts';
import { TwinDice, textHash } from '../rules/twin.ts';
import { until } from '../until.ts';
import { bytesAt, command, diskOf, Io, read, wholeDevice, write } from './whole.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

const MEMORY = ['size=4', 'memory_backed=1', 'discard=1'];

const allocator = createSlabAllocator();

function ruled(rules: readonly string[], ...words: readonly string[]) {
  const world = new World();
  const { device, disk } = wholeDevice(world, [...MEMORY, ...words], { allocator });
  device.rules.add(parseRules(rules.map(wordsOf)));
  return { world, device, disk };
}

function wordsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(' ')
      .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
}

function log(device: NullDevice) {
  return [...device.rules.logAfter(0)];
}

/** How it ended; undefined: not yet. */
function ended(io: Io): string | undefined {
  expect(io.ends).toBeLessThanOrEqual(1);
  return io.ends === 1 ? statusErrno[io.status] : undefined;
}

/** What lies there, past the rules. */
function stored(device: NullDevice, first: number, sectors: number): number[] {
  const { disk } = device;
  if (disk === undefined) throw new Error('off');
  const { front } = disk.queue;
  disk.queue.front = undefined;
  const bytes = bytesAt(disk, first, sectors);
  disk.queue.front = front;
  return bytes;
}

describe('error', () => {
  test.each(['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'EOVERFLOW', 'ESHUTDOWN'])(
    '%s',
    (errno) => {
      const { disk, device } = ruled([`op=write error=${errno}`]);
      const io = write(0, 8, 1).submit(disk);
      expect(ended(io)).toBe(errno);
      expect(io.bio.reason).toBe(`rule r1: ${errno}`);
      expect(stored(device, 0, 8)).toEqual(Array(8).fill(0));
      expect(ended(read(0, 8).submit(disk))).toBe('OK');
    },
  );

  test('apply=all: done, and reported as failed', () => {
    const { disk, device } = ruled(['op=write error=EIO apply=all']);
    expect(ended(write(0, 8, 7).submit(disk))).toBe('EIO');
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(7));
  });

  test('apply=first:N: the first blocks are done', () => {
    const { disk, device } = ruled(['op=write error=EIO apply=first:1'], 'bs=2048');
    expect(ended(write(0, 8, 7).submit(disk))).toBe('EIO');
    expect(stored(device, 0, 8)).toEqual([7, 7, 7, 7, 0, 0, 0, 0]);
    expect(log(device)).toMatchObject([{ detail: { errno: 'EIO', kept: '0' } }]);
  });

  test('apply=first:N tells the blocks that there are', () => {
    const { disk, device } = ruled(['op=write error=EIO apply=first:9']);
    write(0, 2, 7).submit(disk);
    expect(log(device)).toMatchObject([{ detail: { kept: '0-1' } }]);
  });

  test('apply=drop: the cache forgets what it holds', () => {
    const { disk, world } = ruled(['error=EIO apply=drop'], 'cache_size=1');
    write(0, 8, 7).submit(disk);
    expect(bytesAt(disk, 0)).toEqual([7]);
    expect(ended(command(Command.FLUSH).submit(disk))).toBe('EIO');
    world.pass(1e9);
    expect(bytesAt(disk, 0)).toEqual([0]);
  });

  test('the third flush fails, also where nothing is volatile', () => {
    const { disk } = ruled(['op=flush nth=3 error=EIO']);
    const fates = Array.from({ length: 5 }, () => ended(command(Command.FLUSH).submit(disk)));
    expect(fates).toEqual(['OK', 'OK', 'EIO', 'OK', 'OK']);
  });

  test('until=rewrite: a sector that was struck fails until it is written', () => {
    const { disk } = ruled(['op=read sectors=2-5 nth=1 error=EIO until=rewrite']);
    expect(ended(read(0, 1).submit(disk))).toBe('OK');
    expect(ended(read(4, 4).submit(disk))).toBe('EIO');
    expect(ended(read(5, 1).submit(disk))).toBe('EIO');
    expect(ended(read(3, 1).submit(disk))).toBe('OK');
    expect(ended(read(6, 2).submit(disk))).toBe('OK');
    expect(ended(write(5, 1, 1).submit(disk))).toBe('OK');
    expect(ended(read(5, 1).submit(disk))).toBe('OK');
    expect(ended(read(4, 1).submit(disk))).toBe('EIO');
    expect(ended(write(0, 8, 1).submit(disk))).toBe('OK');
    expect(ended(read(0, 8).submit(disk))).toBe('OK');
  });
});

describe('until=rewrite', () => {
  test('the other sectors of a read that fails again are as good as before', () => {
    const { disk } = ruled(['op=read nth=1 error=EIO until=rewrite']);
    expect(ended(read(8, 1).submit(disk))).toBe('EIO');
    expect(ended(read(0, 16).submit(disk))).toBe('EIO');
    expect(ended(read(0, 8).submit(disk))).toBe('OK');
    expect(ended(read(9, 7).submit(disk))).toBe('OK');
  });

  test('begins with the strike, and ends with a write, also while its answer waits', () => {
    const { disk, world } = ruled(['op=read nth=1 error=EIO until=rewrite delay=5ms']);
    const first = read(8, 8).submit(disk);
    expect(ended(write(8, 4, 1).submit(disk))).toBe('OK');
    const [healed, still] = [read(8, 4).submit(disk), read(12, 4).submit(disk)];
    expect([first, healed, still].map(ended)).toEqual([undefined, 'OK', undefined]);
    world.pass(5e6);
    expect([first, healed, still].map(ended)).toEqual(['EIO', 'OK', 'EIO']);
  });

  test('a read that fails again is a match like any other, though not one of times', () => {
    const { disk, device } = ruled(['op=read times=2 error=EIO until=rewrite']);
    const fates = [read(8, 8), read(8, 8), read(8, 8)].map((io) => ended(io.submit(disk)));
    expect(fates).toEqual(['EIO', 'EIO', 'EIO']);
    expect(log(device).map(({ occurrence }) => occurrence)).toEqual([1, 2, 3]);
    expect(device.rules.report()[0]?.live).toMatchObject({ matched: 3, struck: 3, left: 1 });
    expect(ended(write(8, 8, 1).submit(disk))).toBe('OK');
    expect([read(8, 8), read(8, 8)].map((io) => ended(io.submit(disk)))).toEqual(['EIO', 'EIO']);
    expect(log(device).map(({ occurrence }) => occurrence)).toEqual([1, 2, 3, 4, 5]);
    expect(device.rules.report()[0]?.live.left).toBe(0);
  });

  test('a replay strikes the reads that its log names, and no other', () => {
    const { disk, device } = ruled(['op=read nth=1 error=EIO until=rewrite']);
    const log = new ReplayLog();
    log.add({ rule: 'r1', op: 'read', sector: 8, occurrence: 1 });
    log.add({ rule: 'r1', op: 'read', sector: 8, occurrence: 3 });
    device.rules.replay(log);
    const fates = Array.from({ length: 4 }, () => ended(read(8, 8).submit(disk)));
    expect(fates).toEqual(['EIO', 'OK', 'EIO', 'OK']);
  });

  test('a write that fails heals nothing', () => {
    const { disk, device } = ruled(['op=read sectors=8-15 times=1 error=EIO until=rewrite']);
    writeBadBlocks(device.badBlocks, '+12-12');
    expect(ended(read(8, 1).submit(disk))).toBe('EIO');
    expect(ended(write(8, 8, 1).submit(disk))).toBe('EIO');
    expect(ended(read(8, 1).submit(disk))).toBe('EIO');
    expect(ended(write(8, 2, 7).submit(disk))).toBe('OK');
    expect(ended(read(8, 2).submit(disk))).toBe('OK');
    expect(stored(device, 8, 2)).toEqual([7, 7]);
  });

  test('a zone append heals where it went, struck by another rule or not', () => {
    const rules = ['op=read nth=1 error=EIO until=rewrite', 'op=zone_append nth=2 delay=1ms'];
    const { disk, world } = ruled(rules, 'zoned=1', 'zone_size=1', 'discard=0');
    const append = (): Io => new Io(Command.ZONE_APPEND, 0, 4, new Uint8Array(4 * 512).fill(5));
    const fates = (): (string | undefined)[] =>
      [read(0, 4), read(4, 4), read(8, 4)].map((io) => ended(io.submit(disk)));
    expect(ended(read(0, 12).submit(disk))).toBe('EIO');
    expect(ended(append().submit(disk))).toBe('OK');
    expect(fates()).toEqual(['OK', 'EIO', 'EIO']);
    append().submit(disk);
    world.pass(1e6);
    expect(fates()).toEqual(['OK', 'OK', 'EIO']);
    expect(bytesAt(disk, 0, 8)).toEqual(Array(8).fill(5));
  });

  test('what is drawn for it depends on the read, not on what was struck before', () => {
    const delays = (before: number): number => {
      const { disk, device } = ruled(['op=read error=EIO until=rewrite delay=uniform:1ms:9ms']);
      read(8, 8).submit(disk);
      read(before, 1).submit(disk);
      read(0, 16).submit(disk);
      return Number(log(device).find(({ sectors }) => sectors === 16)?.detail['delay']);
    };
    expect(delays(100)).toBeGreaterThan(1e6);
    expect(delays(100)).toBe(delays(200));
  });
});

describe('delay', () => {
  test('done at once, answered later, behind completion_nsec', () => {
    const words = ['irqmode=2', 'completion_nsec=1000000'];
    const { disk, device, world } = ruled(['op=write delay=5ms'], ...words);
    const io = write(0, 8, 7).submit(disk);
    world.pass(1e6);
    expect(ended(io)).toBeUndefined();
    world.pass(5e6 - 1);
    expect(ended(io)).toBeUndefined();
    world.pass(1);
    expect(ended(io)).toBe('OK');
    expect(log(device)).toMatchObject([{ action: 'delay', detail: { delay: 5e6 } }]);
  });

  test('beside an error', () => {
    const { disk, world } = ruled(['op=read error=EIO delay=1s']);
    const io = read(0, 8).submit(disk);
    world.pass(1e9 - 1);
    expect(ended(io)).toBeUndefined();
    world.pass(1);
    expect(ended(io)).toBe('EIO');
  });

  test('trace: in order, and round again', () => {
    const { disk, device } = ruled(['delay=trace:1ms,4ms']);
    for (let at = 0; at < 3; at++) read(at, 1).submit(disk);
    expect(log(device).map(({ detail }) => detail['delay'])).toEqual([1e6, 4e6, 1e6]);
  });

  test('trace: each client, or sector, that counts has its own place in it', () => {
    const delaysOf = (per: string): unknown[] => {
      const { disk, device } = ruled([`delay=trace:1ms,4ms per=${per}`]);
      for (const at of [0, 1, 0, 1, 1]) read(at, 1).submit(disk);
      return log(device).map(({ detail }) => detail['delay']);
    };
    expect(delaysOf('sector')).toEqual([1e6, 1e6, 4e6, 4e6, 1e6]);
    expect(delaysOf('client')).toEqual([1e6, 4e6, 1e6, 4e6, 1e6]);
  });

  test.each([
    ['uniform:1ms:9ms', 5e6, 8e6 / Math.sqrt(12)],
    ['exponential:5ms', 5e6, 5e6],
  ])('%s: mean and deviation of 4000 are as they should be', (form, mean, deviation) => {
    const { disk, device } = ruled([`delay=${form}`], 'hw_queue_depth=64');
    const n = 4000;
    for (let at = 0; at < n; at++) read(at, 1).submit(disk);
    const delays = log(device).map(({ detail }) => Number(detail['delay']));
    const seen = delays.reduce((sum, ns) => sum + ns, 0) / n;
    expect(Math.abs(seen - mean)).toBeLessThan((5 * deviation) / Math.sqrt(n));
  });

  test('lognormal: a half is below the median, one in a hundred above p99', () => {
    const { disk, device } = ruled(['delay=lognormal:2ms:200ms']);
    for (let at = 0; at < 4000; at++) read(at, 1).submit(disk);
    const delays = log(device).map(({ detail }) => Number(detail['delay']));
    const below = (ns: number): number => delays.filter((one) => one <= ns).length / 4000;
    expect(Math.abs(below(2e6) - 0.5)).toBeLessThan(0.04);
    expect(Math.abs(below(200e6) - 0.99)).toBeLessThan(0.008);
  });
});

describe('hang', () => {
  test('for a while, with its tag; then it is done as usual', () => {
    const { disk, device, world } = ruled(['op=write nth=1 hang=30s'], 'hw_queue_depth=1');
    const payload = write(0, 8, 7).submit(disk);
    const other = read(0, 8).submit(disk);
    world.pass(30e9 - 1);
    expect([ended(payload), ended(other)]).toEqual([undefined, undefined]);
    expect(disk.queue.hctx(0).pool.inUse).toBe(1);
    expect(device.stats().tags.inUse).toBe(1);
    world.pass(1);
    expect([ended(payload), ended(other)]).toEqual(['OK', 'OK']);
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(7));
  });

  test('until it is released, by its rule alone', () => {
    const { disk, device, world } = ruled(['op=write hang=on', 'op=read hang=on']);
    const [a, b] = [write(0, 8, 7).submit(disk), read(0, 8).submit(disk)];
    world.pass(1e15);
    expect(device.rules.report().map(({ held }) => held)).toEqual([1, 1]);
    expect(device.rules.release('r2')).toBe(1);
    expect([ended(a), ended(b)]).toEqual([undefined, 'OK']);
    expect(device.rules.release()).toBe(1);
    expect(ended(a)).toBe('OK');
  });

  test.each([
    ['its rule is removed', (device: NullDevice) => device.rules.remove(['r1'])],
    ['the plan is another', (device: NullDevice) => device.rules.load({ seed: '1', rules: [] })],
    ['power goes off', (device: NullDevice) => void device.powerOff()],
  ])('until %s', (_, release) => {
    const { disk, device, world } = ruled(['hang=on']);
    const io = write(0, 8, 7).submit(disk);
    world.settle();
    release(device);
    world.settle();
    expect(ended(io)).toBe('OK');
  });

  test.each([
    ['its rule is removed', (device: NullDevice) => device.rules.remove(['r1'])],
    [
      'the plan has another of its name',
      (device: NullDevice) =>
        device.rules.load({ seed: '1', rules: parseRules([wordsOf('id=r1 op=read hang=on')]) }),
    ],
    ['power goes off', (device: NullDevice) => void device.powerOff()],
  ])('not when %s while it waits for its snapshot', async (_, release) => {
    const { disk, device, world } = ruled(['hang=on snapshot=before']);
    const io = write(0, 8, 7).submit(disk);
    release(device);
    expect(ended(io)).toBeUndefined();
    await until(() => {
      world.settle();
      return io.ends > 0;
    });
    expect(ended(io)).toBe('OK');
  });

  test('power off by force fails it, and it is not done', async () => {
    const { disk, device, world } = ruled(['hang=on'], 'hw_queue_depth=1');
    const io = write(0, 8, 7).submit(disk);
    const off = device.powerOff(true);
    world.settle();
    expect(ended(io)).toBe('ENODEV');
    await off;
    device.powerOn(options(...MEMORY));
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(0));
  });
});

test('a snapshot and an image at once: what waits for one of them goes on', async () => {
  const slow = ['hw_queue_depth=1', 'max_sectors=8', 'irqmode=2', 'completion_nsec=1000'];
  const { disk, device, world } = ruled(['op=write snapshot=before'], ...slow);
  const ios = [read(0, 64), write(0, 8, 7), read(8, 8)].map((io) => io.submit(disk));
  const image = device.image();
  ios.push(read(16, 8).submit(disk));
  for (let turn = 0; turn < 100; turn++) {
    world.pass(1e6);
    await Promise.resolve();
  }
  expect(ios.map(ended)).toEqual(ios.map(() => 'OK'));
  expect(device.snapshots.count).toBe(1);
  await image;
});

describe('cut', () => {
  const rules = ['cut=all', 'cut=all at=after', 'torn=first:1 then=cut', 'cut=all snapshot=before'];
  const ways = [false, true].flatMap((force) => rules.map((rule) => [rule, force] as const));
  const slow = ['irqmode=2', 'completion_nsec=1000'];

  test.each(ways)('%s: power off that was there first ends it, force %s', async (rule, force) => {
    const { disk, device, world } = ruled([rule], ...slow);
    const io = write(0, 8, 7).submit(disk);
    const off = device.powerOff(force);
    world.pass(1000);
    await off;
    expect(ended(io)).toBe('ENODEV');
  });

  test.each(['random', 'whole', 'torn'])(
    '%s: what is kept follows from the seed of the plan',
    (cut) => {
      const cuts = ['other', 'another'].map((faultSeed) => {
        const world = new World();
        const { device, disk } = wholeDevice(world, MEMORY, { allocator, seed: faultSeed });
        const wishes: CutWish[] = [];
        device.onCut = (wish) => wishes.push(wish);
        device.rules.load({ seed: '7', rules: parseRules([{ cut }]) });
        write(2048, 8, 7).submit(disk);
        world.settle();
        return { wishes, details: log(device).map(({ detail }) => detail) };
      });
      const seed = new TwinDice([textHash('7'), textHash('r1'), 1n, 2048n, 1n]).word();
      const one = { wishes: [{ keep: 'random', seed }], details: [{ cut, seed }] };
      expect(cuts).toEqual([one, one]);
    },
  );

  test('does not hang by its rule: it cannot be released', () => {
    const { disk, device } = ruled(['cut=all']);
    const io = write(0, 8, 7).submit(disk);
    expect(device.rules.report()).toMatchObject([{ held: 0 }]);
    expect(device.rules.release()).toBe(0);
    device.rules.remove(['r1']);
    expect(ended(io)).toBeUndefined();
  });
});

test('what waits for a tag goes on where the queues have become others', () => {
  const { disk, device, world } = ruled(
    ['op=write delay=1ms', 'op=read hang=on'],
    'hw_queue_depth=1',
  );
  const hung = read(0, 8).submit(disk);
  const io = write(0, 8, 7).submit(disk);
  device.setQueues(3, 0);
  world.settle();
  expect(device.rules.release()).toBe(1);
  world.pass(1e6);
  expect([ended(hung), ended(io)]).toEqual(['OK', 'OK']);
});

describe('torn', () => {
  test.each([
    ['first:2', [7, 7, 0, 0, 0, 0, 0, 0], '0-1'],
    ['last:3', [0, 0, 0, 0, 0, 7, 7, 7], '5-7'],
    ['last:30', [7, 7, 7, 7, 7, 7, 7, 7], '0-7'],
    ['first:0', [0, 0, 0, 0, 0, 0, 0, 0], 'none'],
    ['blocks:0,2,5-6', [7, 0, 7, 0, 0, 7, 7, 0], '0,2,5-6'],
    ['blocks:6-9,5', [0, 0, 0, 0, 0, 7, 7, 7], '5-7'],
  ])('%s: only these blocks are stored', (kept, sectors, told) => {
    const { disk, device } = ruled([`torn=${kept}`]);
    expect(ended(write(8, 8, 7).submit(disk))).toBe('OK');
    expect(stored(device, 8, 8)).toEqual(sectors);
    expect(log(device)).toMatchObject([{ action: 'torn', detail: { kept: told } }]);
  });

  test('then=error', () => {
    const { disk, device } = ruled(['torn=first:2 then=error']);
    expect(ended(write(8, 8, 7).submit(disk))).toBe('EIO');
    expect(stored(device, 8, 3)).toEqual([7, 7, 0]);
  });

  test('random: the same seed tears the same write in the same place', () => {
    const tear = (): number[] => {
      const { disk, device } = ruled(['torn=random']);
      write(8, 64, 7).submit(disk);
      return stored(device, 8, 64);
    };
    const torn = tear();
    expect(new Set(torn)).toEqual(new Set([0, 7]));
    expect(tear()).toEqual(torn);
  });

  test('moves the write pointer of a zone by what was stored', () => {
    const { disk, device } = ruled(['torn=first:3'], 'zoned=1', 'zone_size=1');
    expect(ended(write(0, 8, 7).submit(disk))).toBe('OK');
    expect(device.zones?.info(0).writePointer).toBe(3);
  });
});

describe('misdirect', () => {
  test.each([
    ['+8', 24],
    ['-8', 8],
    ['=64', 64],
  ])('%s: a write goes there', (where, to) => {
    const { disk, device } = ruled([`op=write misdirect=${where}`]);
    expect(ended(write(16, 2, 7).submit(disk))).toBe('OK');
    expect(stored(device, 16, 2)).toEqual([0, 0]);
    expect(stored(device, to, 2)).toEqual([7, 7]);
    expect(log(device)).toMatchObject([{ detail: { to } }]);
  });

  test('a read comes from there', () => {
    const { disk } = ruled(['op=read misdirect=+8']);
    write(8, 8, 7).submit(disk);
    const io = read(0, 8).submit(disk);
    expect(io.data.every((byte) => byte === 7)).toBe(true);
  });

  test.each(['-8', '+8191', '=8185'])('%s: not where it would leave the device', (where) => {
    const { disk, device } = ruled([`op=write misdirect=${where}`]);
    expect(ended(write(0, 8, 7).submit(disk))).toBe('OK');
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(7));
    expect(log(device)).toEqual([]);
  });
});

describe('lose and lie', () => {
  test.each([
    ['write', () => write(0, 8, 9)],
    ['write_zeroes', () => command(Command.WRITE_ZEROES, 0, 8)],
    ['discard', () => command(Command.DISCARD, 0, 8)],
  ])('lose: %s is answered, not done', (op, make) => {
    const { disk, device } = ruled([`op=${op} lose=1`]);
    const { front } = disk.queue;
    disk.queue.front = undefined;
    write(0, 8, 7).submit(disk);
    disk.queue.front = front;
    expect(ended(make().submit(disk))).toBe('OK');
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(7));
  });

  test('lie: a flush makes nothing durable, nor does FUA', async () => {
    const { disk, device, world } = ruled(['lie=1'], 'cache_size=1', 'fua=1');
    write(0, 8, 7).submit(disk);
    expect(ended(command(Command.FLUSH).submit(disk))).toBe('OK');
    expect(ended(write(8, 8, 7, RequestFlag.FUA).submit(disk))).toBe('OK');
    expect(bytesAt(disk, 0, 16)).toEqual(Array(16).fill(7));
    expect(log(device).map(({ op }) => op)).toEqual(['flush', 'write']);
    const off = device.powerOff();
    world.settle();
    await off;
    device.powerOn(options(...MEMORY));
    expect(stored(device, 0, 16)).toEqual(Array(16).fill(0));
  });
});

describe('corrupt', () => {
  test('bits of a reply: the disk stays good, and the same read gives the same bad bytes', () => {
    const { disk, device } = ruled(['op=read corrupt=bits:3']);
    write(0, 8, 7).submit(disk);
    const [one, other] = [read(0, 8).submit(disk), read(0, 8).submit(disk)];
    let flipped = 0;
    for (const byte of one.data) for (let b = byte ^ 7; b > 0; b &= b - 1) flipped++;
    expect(flipped).toBe(3);
    expect(other.data.equals(one.data)).toBe(true);
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(7));
  });

  test('the log names the bits of a reply, from the first of the sectors that the rule is about', () => {
    const { disk, device } = ruled(['op=read sectors=2-3 corrupt=bits:5']);
    const { data } = read(0, 8).submit(disk);
    const wrong = Buffer.alloc(8 * 512);
    const [{ changed = '' } = {}] = log(device).map(({ detail }) => detail);
    for (const bit of `${changed}`.split(',').map(Number)) {
      const at = 1024 + Math.floor(bit / 8);
      wrong[at] = (wrong[at] ?? 0) ^ (1 << (bit % 8));
    }
    expect(data.equals(wrong)).toBe(true);
    expect(`${changed}`.split(',')).toHaveLength(5);
  });

  test('a write stores bad bytes, in the sectors of the rule alone', () => {
    const { disk, device } = ruled(['op=write sectors=3-4 corrupt=xor:ff']);
    const io = write(0, 8, 7).submit(disk);
    expect(ended(io)).toBe('OK');
    expect(stored(device, 0, 8)).toEqual([7, 7, 7, 0xf8, 0xf8, 7, 7, 7]);
  });

  test.each(['fill:5a', 'random'])('%s', (how) => {
    const { disk } = ruled([`op=read sectors=1 corrupt=${how}`]);
    const { data } = read(0, 2).submit(disk);
    expect(data.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
    const bytes = new Set(data.subarray(512));
    if (how === 'random') expect(bytes.size).toBeGreaterThan(100);
    else expect(bytes).toEqual(new Set([0x5a]));
  });
});

describe('stale', () => {
  test.each([
    [1, [3, 3, 3]],
    [2, [2, 2, 2]],
    [9, [0, 0, 0]],
  ])('%i writes ago; not longer than since the rule was added', (writes, seen) => {
    const { disk, device } = ruled([`sectors=1-3 stale=${writes}`]);
    for (const byte of [1, 2, 3, 4]) expect(ended(write(0, 8, byte).submit(disk))).toBe('OK');
    expect(bytesAt(disk, 0, 8)).toEqual([4, ...seen, 4, 4, 4, 4]);
    expect(stored(device, 0, 8)).toEqual(Array(8).fill(4));
  });

  test('each sector by itself, zeroes and discards too, and what two rules want to know', () => {
    const rules = ['client=1 sectors=0-7 stale=1', 'client=2 sectors=2-3 stale=2'];
    const { disk } = ruled(rules, 'hw_queue_depth=1');
    write(0, 4, 1).submit(disk);
    write(2, 4, 2).submit(disk);
    command(Command.WRITE_ZEROES, 3, 1).submit(disk);
    expect(bytesAt(disk, 0, 8)).toEqual([0, 0, 1, 2, 0, 0, 0, 0]);
    const other = read(0, 8).submit(disk, 1);
    expect(Array.from({ length: 8 }, (_, at) => other.data[at * 512])).toEqual([
      1, 1, 0, 1, 2, 2, 0, 0,
    ]);
  });

  test('what is kept is given back with the device, also by writes that wait to be kept', async () => {
    const left = async (rules: readonly string[]): Promise<number> => {
      const own = createSlabAllocator();
      const world = new World();
      const words = [...MEMORY, 'irqmode=1'];
      const { devices, device, disk } = wholeDevice(world, words, { allocator: own });
      const plan = (): void =>
        device.rules.load({ seed: '1', rules: parseRules(rules.map(wordsOf)) });
      plan();
      for (let at = 0; at < 3; at++) write(0, 8, at).submit(disk);
      plan();
      write(0, 8, 9).submit(disk);
      world.settle();
      const removed = devices.remove('nullb0');
      for (let turns = 0; turns < 20; turns++) {
        await Promise.resolve();
        world.settle();
      }
      await removed;
      while (own.returnSome(64));
      return own.memory.usedBytes;
    };
    expect(await left(['op=read sectors=0-7 stale=2'])).toBe(await left([]));
  });

  test('what is kept is memory of the device, and given back with the rule', () => {
    const { disk, device } = ruled(['sectors=0-7 stale=4']);
    const { memory } = allocator;
    for (const byte of [1, 2, 3, 4, 5, 6]) write(0, 8, byte).submit(disk);
    const held = memory.usedBytes;
    device.rules.remove(['r1']);
    // A sector, and what JavaScript has for an array and its buffer.
    expect(held - memory.usedBytes).toBe(4 * 8 * (512 + 256));
  });

  test('a write that fails is none', () => {
    const words = ['zoned=1', 'zone_size=1', 'discard=0'];
    const { disk, device } = ruled(['op=read sectors=0-3 stale=1'], ...words);
    expect(ended(write(0, 4, 1).submit(disk))).toBe('OK');
    const held = allocator.memory.usedBytes;
    for (const byte of [2, 3]) expect(ended(write(0, 4, byte).submit(disk))).toBe('EIO');
    expect(allocator.memory.usedBytes).toBe(held);
    expect(bytesAt(disk, 0, 4)).toEqual([0xff, 0xff, 0xff, 0xff]);
    expect(stored(device, 0, 4)).toEqual([1, 1, 1, 1]);
  });

  test('a rule that keeps what is there does not use up a bad block', async () => {
    const { device, world } = ruled(['op=read sectors=0-7 times=0 stale=1']);
    writeBadBlocks(device.badBlocks, '+4-4');
    const off = device.powerOff();
    world.settle();
    await off;
    device.powerOn({ ...options(...MEMORY), badblocks_once: true });
    const disk = diskOf(device);
    expect(ended(write(0, 8, 1).submit(disk))).toBe('EIO');
    expect(ended(write(0, 8, 1).submit(disk))).toBe('OK');
  });

  test('a torn write is a write of what it stores', () => {
    const { disk } = ruled(['op=write nth=2 torn=first:4', 'sectors=0-7 stale=1']);
    for (const byte of [1, 2, 3]) write(0, 8, byte).submit(disk);
    expect(bytesAt(disk, 0, 8)).toEqual([2, 2, 2, 2, 1, 1, 1, 1]);
  });
});

describe('set_state and mark', () => {
  test('a rule moves the device on to the next one', () => {
    const { disk, device } = ruled([
      'op=write state=0 set_state=1 mark=first',
      'op=write state=1 error=EIO set_state=0',
    ]);
    const fates = Array.from({ length: 4 }, () => ended(write(0, 8, 1).submit(disk)));
    expect(fates).toEqual(['OK', 'EIO', 'OK', 'EIO']);
    expect(log(device)).toMatchObject([
      { rule: 'r1', detail: { mark: 'first', state: 1 } },
      { rule: 'r2', detail: { errno: 'EIO', state: 0 } },
      {},
      {},
    ]);
  });
});

test.each([
  ['delay=1ms set_state=1 mark=m', 'delay', { delay: 1e6, state: 1, mark: 'm' }],
  ['snapshot=s mark=m set_state=1', 'set_state', { state: 1, mark: 'm', snapshot: 's' }],
  ['snapshot=s mark=m', 'mark', { mark: 'm', snapshot: 's' }],
  ['snapshot=s', 'snapshot', { snapshot: 's' }],
  ['mark=m error=EIO', 'error', { errno: 'EIO', mark: 'm' }],
])('of %s the log names %s', (words, action, detail) => {
  const { disk, device } = ruled([`op=read ${words}`]);
  read(0, 1).submit(disk);
  expect(log(device)).toMatchObject([{ action }]);
  expect(log(device)[0]?.detail).toEqual(detail);
  expect(device.rules.stats()).toMatchObject([{ action }]);
});

describe('the set', () => {
  test('what no rule strikes is as without rules, and reads of many show pages', () => {
    const { disk, device } = ruled(['sectors=4096 error=EIO']);
    expect(ended(write(0, 8, 7).submit(disk))).toBe('OK');
    expect(bytesAt(disk, 0, 8)).toEqual(Array(8).fill(7));
    expect(device.rules.report()[0]?.live.matched).toBe(0);
  });

  test('what rules count is memory of the device, and given back with them', () => {
    const { disk, device } = ruled(['per=sector skip=1 delay=1ns'], 'size=64');
    const { memory } = allocator;
    const before = memory.usedBytes;
    for (let at = 0; at < 8000; at++) read(at * 8, 1).submit(disk);
    const counted = memory.usedBytes - before;
    // For each sector a slot or more of 12 bytes for its count, and as much for what the trigger counts.
    expect(counted).toBeGreaterThan(8000 * 24);
    device.rules.reset();
    expect(memory.usedBytes).toBe(before);
    read(0, 1).submit(disk);
    expect(memory.usedBytes).toBeGreaterThan(before);
    device.rules.remove(['r1']);
    expect(memory.usedBytes).toBe(before);
  });

  test('so are sectors that fail until they are written, as ranges', () => {
    const rule = 'op=read error=EIO times=1000 until=rewrite';
    const { disk, device } = ruled([rule], 'memory_backed=0');
    const { memory } = allocator;
    const before = memory.usedBytes;
    for (let at = 0; at < 1000; at++) read(2 * at, 1).submit(disk);
    const used = memory.usedBytes;
    write(0, 2000, 1).submit(disk);
    expect(used - memory.usedBytes).toBe(1000 * 32);
    device.rules.remove(['r1']);
    expect(memory.usedBytes).toBe(before);
  });

  test('pause: nothing is matched, nothing counted; rules survive power off', async () => {
    const { disk, device, world } = ruled(['op=write nth=2 error=EIO']);
    write(0, 1, 1).submit(disk);
    device.rules.paused = true;
    write(0, 1, 1).submit(disk);
    device.rules.paused = false;
    const off = device.powerOff();
    world.settle();
    await off;
    device.powerOn(options(...MEMORY));
    if (device.disk === undefined) throw new Error('off');
    expect(ended(write(0, 1, 1).submit(device.disk))).toBe('EIO');
  });

  test('power off changes neither the state of a device nor since when a rule is there', async () => {
    const rules = ['op=flush set_state=4', 'op=write until=1ms error=EIO', 'state=4 error=ENOSPC'];
    const { disk, device, world } = ruled(rules);
    command(Command.FLUSH, 0, 0).submit(disk);
    expect(ended(write(0, 1, 1).submit(disk))).toBe('EIO');
    world.pass(2e6);
    const off = device.powerOff();
    world.settle();
    await off;
    device.powerOn(options(...MEMORY));
    if (device.disk === undefined) throw new Error('off');
    expect(device.rules.state).toBe(4);
    expect(ended(write(0, 1, 1).submit(device.disk))).toBe('ENOSPC');
  });

  test('commands are seen whole, not in the parts that max_sectors makes of them', () => {
    const { disk, device } = ruled(['op=write nth=2 torn=first:5'], 'max_sectors=8');
    for (const byte of [1, 2, 3]) expect(ended(write(0, 64, byte).submit(disk))).toBe('OK');
    expect(log(device)).toMatchObject([{ sector: 0, sectors: 64, detail: { kept: '0-4' } }]);
    expect(device.rules.report()).toMatchObject([{ live: { matched: 3, struck: 1 } }]);
  });

  test('what is struck passes bad blocks and cache as any other write of those blocks does', () => {
    const rules = ['op=write bytes=1k misdirect=+64', 'op=write bytes=2k torn=blocks:0,1,3'];
    const { disk, device } = ruled(rules, 'cache_size=1');
    writeBadBlocks(device.badBlocks, '+64-64\n+2-2');
    expect(ended(write(0, 2, 7).submit(disk))).toBe('EIO');
    expect(ended(write(0, 4, 7).submit(disk))).toBe('OK');
    expect(stored(device, 0, 2)).toEqual([7, 7]);
  });

  test('replay strikes exactly what the log names', () => {
    const rules = [
      'op=write probability=20 error=EIO',
      'op=read probability=10 delay=uniform:1ms:2ms',
    ];
    const run = (device: NullDevice): void => {
      for (let at = 0; at < 300; at++) {
        if (device.disk === undefined) throw new Error('off');
        write(at % 40, 1, 1).submit(device.disk);
        read(at % 30, 1).submit(device.disk);
      }
    };
    const first = ruled(rules, 'hw_queue_depth=256');
    run(first.device);
    const entries = log(first.device);
    expect(entries.length).toBeGreaterThan(40);
    const second = ruled(rules, 'hw_queue_depth=256');
    const named = new ReplayLog();
    for (const entry of entries) named.add(entry);
    second.device.rules.replay(named);
    run(second.device);
    expect(log(second.device)).toEqual(entries);
  });

  test('the control side is client 0, and its flushes are seen', async () => {
    const { device, world } = ruled(['op=flush client=0 error=EIO']);
    const flushed = device.flush();
    world.settle();
    expect((await flushed).status).toBe(Status.IOERR);
    expect(log(device)).toMatchObject([{ client: 0 }]);
  });
});

test('the log counts whole nanoseconds, whatever the clock counts', () => {
  const { world, disk, device } = ruled(['op=read mark=here']);
  world.pass(1000.75);
  read(0, 8).submit(disk);
  expect(log(device)).toMatchObject([{ ns: 1000 }]);
});

test('a rule without times strikes whatever the clock showed when it was added', () => {
  const world = new World();
  world.pass(5e9);
  const { device, disk } = wholeDevice(world, MEMORY);
  device.rules.add(parseRules([{ op: 'read', error: 'EIO' }]));
  expect(ended(read(0, 8).submit(disk))).toBe('EIO');
});

describe('what is long is done in slices, so that nobody waits for it', () => {
  const MiB_SECTORS = 2048;

  /** Turns that it takes. */
  function turnsUntil(io: Io, world: World): number {
    let turns = 0;
    for (; io.ends === 0; turns++) {
      expect(world.deferred.pending).toBe(true);
      world.deferred.run();
    }
    return turns;
  }

  test.each([
    ['xor:ff', 32],
    ['fill:5a', 32],
    ['random', 256],
  ])('corrupt=%s of a MiB', (how, least) => {
    const { disk, world } = ruled([`op=read corrupt=${how}`]);
    const io = read(0, MiB_SECTORS).submit(disk);
    expect(turnsUntil(io, world)).toBeGreaterThanOrEqual(least - 1);
    expect(ended(io)).toBe('OK');
    if (how !== 'random')
      expect(new Set(io.data)).toEqual(new Set([how === 'xor:ff' ? 255 : 0x5a]));
    const again = read(0, MiB_SECTORS).submit(disk);
    turnsUntil(again, world);
    expect(again.data.equals(io.data)).toBe(true);
  });

  test('stale: a MiB that is read, and a MiB that is written', () => {
    const { disk, world } = ruled([`op=read sectors=0-${MiB_SECTORS - 1} stale=1`]);
    for (const byte of [1, 2]) {
      const io = write(0, MiB_SECTORS, byte).submit(disk);
      expect(turnsUntil(io, world)).toBeGreaterThanOrEqual(31);
      expect(ended(io)).toBe('OK');
    }
    const io = read(0, MiB_SECTORS).submit(disk);
    expect(turnsUntil(io, world)).toBeGreaterThanOrEqual(31);
    expect(new Set(io.data)).toEqual(new Set([1]));
  });

  test('corrupt=fill of a write, two at once', () => {
    const { disk, world, device } = ruled(['op=write corrupt=fill:5a']);
    const ios = [0, MiB_SECTORS].map((at) => write(at, MiB_SECTORS, 1).submit(disk));
    world.settle();
    expect(ios.map(ended)).toEqual(['OK', 'OK']);
    expect(new Set(stored(device, 0, 2 * MiB_SECTORS))).toEqual(new Set([0x5a]));
  });

  test.each([[['memory_backed=1']], [['memory_backed=0', 'irqmode=0']], [['completion_nsec=10']]])(
    'a write torn into thousands of parts, %s',
    (words) => {
      const parts = Array.from({ length: 4096 }, (_, at) => 2 * at).join(',');
      const { disk, world, device } = ruled([`op=write torn=blocks:${parts}`], ...words);
      const io = write(0, 8192, 1).submit(disk);
      expect(turnsUntil(io, world)).toBeGreaterThanOrEqual(200);
      expect(ended(io)).toBe('OK');
      const [entry] = log(device);
      expect(entry?.detail['kept']).toMatch(/^0,2,4,.*,126,\.\.\.$/);
      if (words[0] === 'memory_backed=1') {
        expect(stored(device, 8188, 4)).toEqual([1, 0, 1, 0]);
      }
    },
  );

  test('thousands of writes that wait to be kept, one after the other', () => {
    const rules = ['op=read nth=1 hang=on', 'op=read sectors=0-7 stale=2'];
    const { disk, device, world } = ruled(rules, 'hw_queue_depth=1', 'irqmode=0');
    const hung = read(8, 1).submit(disk);
    const ios = Array.from({ length: 5000 }, (_, at) => write(0, 1, at % 200).submit(disk));
    expect(device.rules.release()).toBe(1);
    world.settle();
    expect(ended(hung)).toBe('OK');
    expect(new Set(ios.map(ended))).toEqual(new Set(['OK']));
    expect(read(0, 1).submit(disk).data[0]).toBe(4997 % 200);
  });

  test('power off by force ends it at once', async () => {
    const { disk, device, world } = ruled(['op=write corrupt=random']);
    const io = write(0, 8192, 1).submit(disk);
    expect(ended(io)).toBeUndefined();
    const off = device.powerOff(true);
    world.deferred.run();
    expect(ended(io)).toBe('ENODEV');
    world.settle();
    await off;
  });
});

test.each([
  ['strikes it', ['op=write error=EIO'], 'EIO'],
  ['has struck sectors that it heals', ['op=read error=EIO until=rewrite'], 'OK'],
])(
  'a part that waited for a tag before a rule came which %s leaves nothing begun',
  (_, rules, how) => {
    const { world, device, disk } = ruled(
      [],
      'irqmode=2',
      'completion_nsec=1000',
      'hw_queue_depth=1',
    );
    const first = read(0, 1).submit(disk);
    const part = write(0, 8, 1);
    part.bio.continues = true;
    part.submit(disk);
    expect([ended(first), ended(part), disk.queue.isBetweenCommands]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    device.rules.add(parseRules(rules.map(wordsOf)));
    expect(ended(read(0, 1).submit(disk))).toBe(
      rules[0]?.startsWith('op=read') ? 'EIO' : undefined,
    );
    // The first one's end, and its own.
    for (const ns of [1e6, 1e6, 1e6]) world.pass(ns);
    expect([ended(first), ended(part)]).toEqual(['OK', how]);
    expect(disk.queue.isBetweenCommands).toBe(true);
  },
);
