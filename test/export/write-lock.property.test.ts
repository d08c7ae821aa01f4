import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LockWaiter, WriteLock } from '../../src/export/write-lock.ts';

const steps = fc.array(fc.tuple(fc.constantFrom('shared', 'exclusive', 'unlock'), fc.nat(9)), {
  maxLength: 100,
});

test('alone or shared, first come first served, nobody forgotten', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const lock = new WriteLock();
      const holders: ('shared' | 'exclusive')[] = [];
      const line: { kind: 'shared' | 'exclusive'; waiter: LockWaiter }[] = [];
      const take = (kind: 'shared' | 'exclusive'): void => {
        holders.push(kind);
        if (kind === 'exclusive') expect(holders).toHaveLength(1);
        else expect(holders).not.toContain('exclusive');
      };
      for (const [what, which] of list) {
        if (what === 'unlock') {
          const kind = holders.splice(which % Math.max(1, holders.length), 1)[0];
          if (kind === 'shared') lock.unlockShared();
          if (kind === 'exclusive') lock.unlockExclusive();
        } else {
          const kind = what === 'shared' ? 'shared' : 'exclusive';
          if (kind === 'shared' ? lock.tryShared() : lock.tryExclusive()) {
            expect(line).toEqual([]); // nobody overtakes
            take(kind);
            continue;
          }
          const waiter: LockWaiter = {
            lockGranted: () => {
              expect(line.shift()?.waiter).toBe(waiter);
              take(kind);
            },
          };
          line.push({ kind, waiter });
          lock.wait(waiter, kind === 'exclusive');
        }
        if (holders.length === 0) expect(line).toEqual([]); // nobody waits for nothing
      }
    }),
  );
});
