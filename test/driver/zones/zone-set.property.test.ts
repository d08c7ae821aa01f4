import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparisons } from '../../same.ts';
import { testRuns } from '../../test-runs.ts';
import { type ModelZone, ZoneModel } from './model.ts';
import { Pair, type Shape, type Step, shapes, traces } from './pair.ts';
import { ZoneDisk } from './world.ts';

function run(shape: Shape, steps: readonly Step[], Model?: typeof ZoneModel): void {
  const pair = new Pair(shape, Model);
  for (const step of steps) pair.act(step);
}

test('zones do what the plain telling of the rules does, on any geometry', () => {
  const before = comparisons();
  fc.assert(
    fc.property(shapes, traces, (shape, steps) => {
      run(shape, steps);
    }),
    { numRuns: testRuns(150) },
  );
  expect(comparisons()).toBeGreaterThan(before);
});

/** Everything that can be done to a zone in one step, whole and in part. */
function everyStep(zones: number): Step[] {
  const acts: Omit<Step, 'zone'>[] = [
    { kind: 'write', offset: -1, sectors: 2, bad: -1, outOfMemory: false },
    { kind: 'write', offset: -1, sectors: 2, bad: 0, outOfMemory: false },
    { kind: 'write', offset: -1, sectors: 8, bad: -1, outOfMemory: false },
    ...(['open', 'close', 'finish', 'reset', 'read-only'] as const).map(
      (kind) => ({ kind, offset: 0, sectors: 8, bad: -1, outOfMemory: false }) as const,
    ),
  ];
  return [...Array(zones).keys()].flatMap((zone) => acts.map((act) => ({ ...act, zone })));
}

const tight: Shape = {
  zones: 3,
  lastSectors: 8,
  capacitySectors: 8,
  conventional: 0,
  maxOpen: 1,
  maxActive: 0,
  appendMaxSectors: 100,
  full: false,
};

test.each([
  ['one open zone', tight],
  ['one open zone of two active ones', { ...tight, maxActive: 2 }],
  ['one active zone', { ...tight, maxOpen: 0, maxActive: 1 }],
])('every sequence of three steps on three zones with %s goes as told', (_, shape) => {
  const steps = everyStep(3);
  const disk = new ZoneDisk();
  let sequences = 0;
  for (const first of steps) {
    for (const second of steps) {
      for (const third of steps) {
        const pair = new Pair(shape, ZoneModel, disk);
        // These two are compared by the first sequence that begins with them.
        const seen = third !== steps[0];
        pair.act(first, seen);
        pair.act(second, seen);
        pair.act(third);
        sequences++;
      }
    }
  }
  expect(sequences).toBe(24 ** 3);
});

class FinishAtCapacity extends ZoneModel {
  override finishZone(zone: ModelZone): string {
    const status = super.finishZone(zone);
    if (status === 'ok') zone.wp = zone.start + zone.capacity;
    return status;
  }
}

test('a canary: a model with a wrong rule is found out', () => {
  const property = fc.property(shapes, traces, (shape, steps) => {
    run(shape, steps, FinishAtCapacity);
  });
  const { failed, counterexample } = fc.check(property, { numRuns: 300 });
  expect(failed).toBe(true);
  // Shrinking may stop before it is alone.
  expect(counterexample?.[1].map(({ kind }) => kind)).toContain('finish');
});
