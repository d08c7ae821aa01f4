/** Memory and devices that several threads see: every thread is told about them before they are used. */

import type { LogRings } from '../direct/log-rings.ts';
import { CAPACITY_MAX } from '../direct/memory.ts';
import { SharedDevice, type SharedDeviceHost } from '../direct/shared-device.ts';
import type { Share } from '../driver/parts.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import { type DataMemory, orNone } from '../pages/memory.ts';
import { SharedSlabs, type SharedSlabsHost } from '../pages/shared-slabs.ts';
import type { ThreadPool } from '../threads/pool.ts';
import type { Scheduler } from '../time/clock.ts';

/** A collection takes 10 ms of every thread: one serves everything that is freed in this time. Until then the
 *  memory can be taken again. */
const COLLECT_MS = 1000;

/** Slabs that the threads of `pool` see. */
export function sharedSlabs(
  pool: ThreadPool,
  scheduler: Scheduler,
  memory: DataMemory,
): SlabAllocator {
  let returning = false;
  const returnMemory = (): void => {
    returning = false;
    slabs.returnSome();
    pool.collect();
  };
  const host: SharedSlabsHost = {
    made: (id, arena) => pool.post({ what: 'arena', id, memory: arena }),
    dropped: (arenas) => pool.post({ what: 'arenas gone', arenas }),
    later: () => {
      if (!returning) scheduler.timeout(returnMemory, COLLECT_MS);
      returning = true;
    },
    now: () => pool.collect(),
  };
  const slabs = new SharedSlabs(host, memory);
  return slabs;
}

/** Devices whose requests the threads of `pool` may execute themselves. */
export function sharing(pool: ThreadPool, threads: number): Share {
  let made = 0;
  const logs = new Map<number, LogRings>();
  pool.onLogged = () => {
    for (const rings of logs.values()) rings.onNews();
  };
  return (capacity) => {
    if (capacity > CAPACITY_MAX) return undefined;
    const id = made++;
    const host: SharedDeviceHost = {
      gone() {
        logs.delete(id);
        pool.post({ what: 'device gone', id });
      },
      logs(rings) {
        logs.set(id, rings);
        pool.post({ what: 'log', device: id, memory: rings.memory });
      },
    };
    // Without memory for its table the main thread serves it alone.
    const device = orNone(() => new SharedDevice(id, threads, capacity, host));
    if (device === undefined) return undefined;
    pool.post({ what: 'device', memory: device.memory });
    return device;
  };
}
