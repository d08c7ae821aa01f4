/** Defects that the simulator must see, one for each kind: planted from outside, by replacing a method of
 *  the daemon's, so that the sources have no switch for them. Each strikes once in so many calls. */

import { TagPool } from '../../src/block/tag-pool.ts';
import { PageStore } from '../../src/driver/storage/page-store.ts';
import { Output } from '../../src/server/output.ts';
import { Deferred } from '../../src/time/deferred.ts';
import type { FailureKind } from './failure.ts';

export interface Canary {
  readonly defect: string;
  /** What it may show itself as. */
  readonly kinds: readonly FailureKind[];
  /** Plants it. @returns what takes it out again. */
  plant(): () => void;
}

export const canaries: readonly Canary[] = [
  {
    defect: 'a lost wake-up: nobody tells those who wait for a tag',
    kinds: ['hang'],
    plant: () =>
      replace(Deferred.prototype, 'raise', (raise) => {
        const strikes = oneIn(200);
        return function (this: Deferred, work) {
          if (!(work instanceof TagPool && strikes())) raise.call(this, work);
        };
      }),
  },
  {
    defect: 'a tag that is not given back',
    kinds: ['leak', 'hang'],
    plant: () =>
      replace(TagPool.prototype, 'give', (give) => {
        const strikes = oneIn(500);
        return function (this: TagPool, tag) {
          if (!strikes()) give.call(this, tag);
        };
      }),
  },
  {
    defect: 'a stale byte: a write that does nothing',
    kinds: ['data'],
    plant: () =>
      replace(PageStore.prototype, 'write', (write) => {
        const strikes = oneIn(100);
        return function (this: PageStore, sector, source, start, length) {
          return strikes() || write.call(this, sector, source, start, length);
        };
      }),
  },
  {
    defect: 'a wrong byte: one bit of a read is turned',
    kinds: ['data'],
    plant: () =>
      replace(PageStore.prototype, 'read', (read) => {
        const strikes = oneIn(100);
        return function (this: PageStore, sector, target, start, length) {
          read.call(this, sector, target, start, length);
          if (strikes()) target[start] = (target[start] ?? 0) ^ 1;
        };
      }),
  },
  {
    defect: 'a reply twice',
    kinds: ['reply'],
    plant: () =>
      replace(Output.prototype, 'ok', (ok) => {
        const strikes = oneIn(100);
        return function (this: Output, to) {
          ok.call(this, to);
          if (strikes()) ok.call(this, to);
        };
      }),
  },
  {
    defect: 'a reply that never comes',
    kinds: ['hang'],
    plant: () =>
      replace(Output.prototype, 'ok', (ok) => {
        const strikes = oneIn(100);
        return function (this: Output, to) {
          if (!strikes()) ok.call(this, to);
        };
      }),
  },
];

function oneIn(calls: number): () => boolean {
  let count = 0;
  return () => ++count % calls === 0;
}

function replace<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (before: T[K]) => T[K],
): () => void {
  const before = prototype[name];
  prototype[name] = make(before);
  return () => {
    prototype[name] = before;
  };
}
