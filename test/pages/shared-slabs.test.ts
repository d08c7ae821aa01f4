import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataMemory, Room } from '../../src/pages/memory.ts';
import { placeInArena, SharedSlabs, SLABS_PER_ARENA } from '../../src/pages/shared-slabs.ts';
import { ALL_PAGES, SLAB_BYTES, type Slab } from '../../src/pages/slab.ts';
import { bytes, MiB } from '../../src/units.ts';
import { testRuns } from '../test-runs.ts';

/** An allocator, and what whoever shows its slabs to threads knows. */
function world(memory?: DataMemory) {
  const shown = new Map<number, Uint8Array>();
  const told = { later: 0, now: 0, dropped: 0 };
  const allocator = new SharedSlabs(
    {
      made(arena, memory) {
        expect(memory.growable).toBe(true); // malloc would keep it
        shown.set(arena, new Uint8Array(memory, 0, memory.byteLength));
      },
      dropped(arenas) {
        told.dropped += arenas.length;
        for (const arena of arenas) expect(shown.delete(arena)).toBe(true);
      },
      later: () => void told.later++,
      now: () => void told.now++,
    },
    memory,
  );
  /** The slab's bytes as another thread finds them by its number. */
  const asOthersSee = ({ number }: Slab): Uint8Array | undefined => {
    const at = placeInArena(number);
    return shown.get(Math.floor(number / SLABS_PER_ARENA))?.subarray(at, at + SLAB_BYTES);
  };
  return { allocator, shown, told, asOthersSee };
}

function taken(slab: Slab | undefined): Slab {
  if (slab === undefined) throw new Error('there is memory');
  return slab;
}

function use(allocator: SharedSlabs, slab: Slab, byte: number): void {
  slab.bytes[0] = slab.bytes[SLAB_BYTES - 1] = byte;
  expect(allocator.admit(slab, ALL_PAGES)).toBe(true);
}

const steps = fc.array(
  fc.oneof(
    fc.record({
      what: fc.constantFrom('take' as const, 'takeFresh' as const, 'takeDirty' as const),
      times: fc.integer({ min: 1, max: 90 }),
    }),
    fc.record({ what: fc.constant('give' as const), times: fc.integer({ min: 1, max: 120 }) }),
    fc.record({ what: fc.constant('return' as const), times: fc.constant(1) }),
  ),
  { maxLength: 12 },
);

test('no slab is handed out twice, a clean one is zeros, and others see what is in it', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { allocator, shown, asOthersSee } = world();
      const out = new Set<Slab>();
      let byte = 0;
      for (const { what, times } of all) {
        if (what === 'return') expect(allocator.returnSome()).toBe(false);
        else if (what === 'give') {
          for (const slab of [...out].slice(0, times)) {
            out.delete(slab);
            allocator.give(slab);
          }
        } else {
          for (let n = 0; n < times; n++) {
            const slab = taken(allocator[what]());
            expect(out.has(slab)).toBe(false);
            if (what !== 'takeDirty') expect([slab.bytes[0], slab.bytes.at(-1)]).toEqual([0, 0]);
            byte = (byte % 255) + 1;
            use(allocator, slab, byte);
            expect(asOthersSee(slab)?.at(-1)).toBe(byte);
            out.add(slab);
          }
        }
        // Whatever is out is in an arena that is known, and few arenas are there for nothing.
        expect([...out].every((slab) => asOthersSee(slab) !== undefined)).toBe(true);
        if (what === 'return') {
          const used = new Set([...out].map(({ number }) => Math.floor(number / SLABS_PER_ARENA)));
          expect(shown.size - used.size).toBeLessThanOrEqual(1);
        }
      }
    }),
    { numRuns: testRuns(30) },
  );
});

test('memory that is free in whole arenas is dropped when it is asked for, but for one of them', () => {
  const { allocator, shown, told } = world();
  const slabs = Array.from({ length: 3 * SLABS_PER_ARENA }, () => taken(allocator.takeDirty()));
  for (const slab of slabs) use(allocator, slab, 1);
  expect([shown.size, allocator.freeBytes]).toEqual([3, 0]);
  for (const slab of slabs) allocator.give(slab);
  expect(told.later).toBeGreaterThan(0);
  expect(allocator.freeBytes).toBe(3 * SLABS_PER_ARENA * SLAB_BYTES);
  allocator.returnSome();
  expect([shown.size, told.dropped]).toEqual([1, 2]);
  expect(allocator.freeBytes).toBe(SLABS_PER_ARENA * SLAB_BYTES);
});

test('at the limit, memory that nobody holds serves other pages than before', () => {
  const memory = new DataMemory({ limit: bytes(14 * MiB) });
  const { allocator, told } = world(memory);
  const [low, high] = [0xffff, ALL_PAGES << 16];
  const before = Array.from({ length: 150 }, () => taken(allocator.take()));
  for (const slab of before) expect(allocator.admit(slab, low)).toBe(true);
  for (const slab of before) allocator.give(slab);
  // They have two of three arenas again, with the low pages.
  const after = Array.from({ length: 80 }, () => taken(allocator.take()));
  for (const slab of after) expect(allocator.admit(slab, high)).toBe(true);
  // A collection makes it true.
  expect(told).toMatchObject({ dropped: 1, now: 1 });
  expect(memory.usedBytes).toBe(80 * SLAB_BYTES + 48 * (SLAB_BYTES / 2) + 128 * 1024);
});

test('what went beyond the limit goes back as soon as nobody holds it', () => {
  const memory = new DataMemory({ limit: bytes(MiB) });
  const { allocator } = world(memory);
  const held: Slab[] = [];
  for (let n = 0; n < 20; n++) {
    const slab = taken(allocator.take(Room.ANY));
    expect(allocator.admit(slab, ALL_PAGES, Room.ANY)).toBe(true);
    held.push(slab);
  }
  expect(memory.hasRoom(0)).toBe(false);
  for (const slab of held) allocator.give(slab);
  expect(memory.hasRoom(0)).toBe(true);
});
