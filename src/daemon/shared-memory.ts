/** Memory and devices that several threads see: every thread is told of what there is before it is used. */

import { CAPACITY_MAX } from '../direct/memory.ts';
import { SharedDevice } from '../direct/shared-device.ts';
import type { Share } from '../driver/build.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import { SharedSlabs } from '../pages/shared-slabs.ts';
import { collectGarbage } from '../threads/collect.ts';
import type { ThreadPool } from '../threads/pool.ts';
import type { Scheduler } from '../time/clock.ts';
import type { Deferred, DeferredWork } from '../time/deferred.ts';

/** Collecting takes 10 ms of every thread: once for all that is dropped within so long. */
const COLLECT_MS = 1000;

/** Slabs that the threads of `pool` see. */
export function sharedSlabs(
  pool: ThreadPool,
  deferred: Deferred,
  scheduler: Scheduler,
): SlabAllocator {
  let collecting = false;
  const collect = (): void => {
    collecting = false;
    pool.post({ what: 'collect' });
    collectGarbage();
  };
  const memoryReturn: DeferredWork = {
    raised: false,
    runDeferred: () => void slabs.returnSome(),
  };
  const slabs = new SharedSlabs({
    made: (id, memory) => pool.post({ what: 'arena', id, memory }),
    dropped: (arenas) => {
      pool.post({ what: 'arenas gone', arenas });
      if (!collecting) scheduler.timeout(collect, COLLECT_MS);
      collecting = true;
    },
    later: () => deferred.raiseNextTurn(memoryReturn),
  });
  return slabs;
}

/** Devices whose requests the threads of `pool` may execute themselves. */
export function sharing(pool: ThreadPool, threads: number): Share {
  let made = 0;
  return (capacity) => {
    if (capacity > CAPACITY_MAX) return undefined;
    const id = made++;
    const gone = (): void => pool.post({ what: 'device gone', id });
    const device = new SharedDevice(id, threads, capacity, gone);
    pool.post({ what: 'device', memory: device.memory });
    return device;
  };
}
