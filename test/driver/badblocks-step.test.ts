import { beforeEach, expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { BadBlocks, badBlocksStep } from '../../src/driver/badblocks.ts';
import type { Step } from '../../src/driver/path.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { type Sector, sector } from '../../src/units.ts';
import { StepWorld } from './step-world.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

const allocator = createSlabAllocator();
/** What reached the inner step: command, first sector, sectors. */
let reached: [Command, number, number][];
let hits: string[];
const inner: Step = (request, sectors) => {
  reached.push([request.command(), request.sector(), sectors]);
  return sectors;
};

beforeEach(() => {
  reached = [];
  hits = [];
});

/** The sectors 20 to 29 and 40 are bad. */
function device({ once = false, partial = false, block = 1, step = inner } = {}) {
  const list = new BadBlocks();
  writeBadBlocks(list, '+20-29\n+40-40');
  const hit = (text: string) => hits.push(text);
  const bad = badBlocksStep(list, once, partial, block, step, hit);
  const done: number[] = [];
  const world = new StepWorld(allocator, (request, sectors) => {
    const count = bad(request, sectors);
    done.push(count);
    return count;
  });
  return { list, world, done };
}

const transfers = [
  Command.READ,
  Command.WRITE,
  Command.DISCARD,
  Command.WRITE_ZEROES,
  Command.ZONE_APPEND,
];

test.each(transfers)('command %i beside bad blocks passes as it is', (command) => {
  const { world } = device({ once: true, partial: true });
  for (const [first, sectors] of [
    [0, 20],
    [30, 10],
    [41, 1000],
  ] as const) {
    expect(world.command(command, first, sectors)).toBe(Status.OK);
    expect(reached.pop()).toEqual([command, first, sectors]);
  }
  expect(hits).toEqual([]);
});

test.each(transfers)('command %i over a bad block fails and does nothing', (command) => {
  const { list, world, done } = device();
  expect(world.command(command, 19, 2)).toBe(Status.IOERR);
  expect(world.command(command, 25, 100)).toBe(Status.IOERR);
  expect(reached).toEqual([]);
  expect(done).toEqual([0, 0]);
  expect(hits).toEqual(['badblocks: sector 20 is bad', 'badblocks: sector 25 is bad']);
  expect(list.count).toBe(2);
});

test.each(transfers)('with partial io, command %i does what lies before', (command) => {
  const { world, done } = device({ partial: true });
  expect(world.command(command, 13, 100)).toBe(Status.IOERR);
  expect(reached).toEqual([[command, 13, 7]]);
  expect(done).toEqual([7]);
});

test('with partial io, only whole blocks are transferred', () => {
  const { world, done } = device({ partial: true, block: 8 });
  expect(world.read(0, 40).status).toBe(Status.IOERR);
  expect(world.read(16, 8).status).toBe(Status.IOERR);
  expect(world.read(40, 8).status).toBe(Status.IOERR);
  expect(reached).toEqual([[Command.READ, 0, 16]]);
  expect(done).toEqual([16, 0, 0]);
});

test('once clears the first range that was hit, whole, and no other', () => {
  const { list, world } = device({ once: true });
  expect(world.read(25, 100).status).toBe(Status.IOERR);
  expect(list.text()).toBe('40 1\n');
  expect(world.read(25, 100).status).toBe(Status.IOERR);
  expect(list.text()).toBe('');
  expect(world.read(25, 100).status).toBe(Status.OK);
});

test('an error of the memory beats the bad block', () => {
  const full: Step = (request) => {
    request.setStatus(Status.NOSPC);
    return 0 as Sector; // none
  };
  const { world, done } = device({ partial: true, step: full });
  expect(world.write(10, Buffer.alloc(20 * 512))).toBe(Status.NOSPC);
  expect(done).toEqual([0]);
});

test('a zone append is judged where its data go', () => {
  const { list, done } = device();
  const bad = badBlocksStep(list, false, false, 1, inner);
  const world = new StepWorld(allocator, (request, sectors) => {
    request.setSector(sector(40));
    const count = bad(request, sectors);
    done.push(count);
    return count;
  });
  expect(world.command(Command.ZONE_APPEND, 0, 1)).toBe(Status.IOERR);
  expect(done).toEqual([0]);
});

test.each([
  Command.FLUSH,
  Command.ZONE_RESET,
  Command.ZONE_FINISH,
  Command.ZONE_OPEN,
  Command.ZONE_CLOSE,
])('command %i does not look at bad blocks', (command) => {
  const { world } = device({ once: true });
  expect(world.command(command, 20, 10)).toBe(Status.OK);
  expect(reached.map(([one]) => one)).toEqual([command]);
});
