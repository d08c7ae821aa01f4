import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReusedList } from '../../src/time/reused-list.ts';

test('pushes and clears as an array does', () => {
  const steps = fc.array(fc.oneof(fc.integer(), fc.constant('clear' as const)));
  fc.assert(
    fc.property(steps, (all) => {
      const list = new ReusedList<number>();
      let model: number[] = [];
      for (const step of all) {
        if (step === 'clear') {
          list.clear();
          model = [];
        } else {
          list.push(step);
          model.push(step);
        }
        expect(Array.from({ length: list.count }, (_, at) => list.at(at))).toEqual(model);
        expect(list.at(list.count)).toBeUndefined();
      }
    }),
  );
});
