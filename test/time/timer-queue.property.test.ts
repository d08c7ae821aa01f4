import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timer, TimerQueue } from '../../src/time/timer-queue.ts';
import { nanoseconds } from '../../src/units.ts';

type Step =
  | { readonly kind: 'start'; readonly which: number; readonly deadline: number }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'expire'; readonly now: number };

const TIMERS = 20;
const which = fc.nat(TIMERS - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('start' as const), which, deadline: fc.nat(50) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), now: fc.nat(50) }) },
);

test('timers expire in order of their deadlines, once, never early; a cancelled one does not', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 200 }), (list) => {
      const queue = new TimerQueue();
      const model = new Map<number, number>();
      const expired: number[] = [];
      const timers = Array.from(
        { length: TIMERS },
        (_, id) => new Timer({ timerExpired: () => void expired.push(id) }),
      );
      for (const step of list) {
        if (step.kind === 'expire') {
          const due = [...model].filter(([, deadline]) => deadline <= step.now);
          expired.length = 0;
          expect(queue.expire(nanoseconds(step.now))).toBe(due.length);
          const order = expired.map((id) => model.get(id) ?? -1);
          expect(order).toEqual(due.map(([, deadline]) => deadline).sort((a, b) => a - b));
          for (const [id] of due) model.delete(id);
          continue;
        }
        const timer = timers[step.which];
        if (timer === undefined) continue;
        if (step.kind === 'cancel') {
          queue.cancel(timer);
          model.delete(step.which);
        } else if (timer.started) {
          expect(() => queue.start(timer, nanoseconds(step.deadline))).toThrow('twice');
        } else {
          queue.start(timer, nanoseconds(step.deadline));
          model.set(step.which, step.deadline);
        }
        expect(queue.count).toBe(model.size);
        expect(queue.next).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.values()));
      }
    }),
  );
});

test('a timer may start itself again while it expires', () => {
  const queue = new TimerQueue();
  let runs = 0;
  const timer = new Timer({
    timerExpired: () => {
      if (++runs < 5) queue.start(timer, nanoseconds(runs));
    },
  });
  queue.start(timer, nanoseconds(0));
  expect(queue.expire(nanoseconds(3))).toBe(4);
  expect(queue.next).toBe(4);
});
