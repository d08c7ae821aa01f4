/** What must hold when nothing is under way: every tag, page, pin, reference and budget is back. Source: docs/simulator.md. */

import type { RequestQueue } from '../../src/block/request-queue.ts';
import type { DataPath } from '../../src/daemon/data-path.ts';
import type { Timing } from '../../src/daemon/timing.ts';
import type { NullData } from '../../src/driver/completion.ts';
import { Found } from './failure.ts';
import type { Memory } from './memory.ts';
import type { World } from './world.ts';

/** What is left of a run. */
interface Remains {
  readonly path: DataPath;
  readonly world: World;
  readonly timing: Timing;
  readonly memory: Memory;
  readonly threads: { readonly clients: number } | undefined;
}

function leak(text: string): never {
  throw new Found('leak', text);
}

/** Every request that was sent has its answer, and no call is under way. */
export function checkQuiet({ path }: Pick<Remains, 'path'>): void {
  for (const device of path.devices) {
    const queue = device.disk?.queue;
    if (queue !== undefined) checkTags(device.name, queue);
  }
}

function checkTags(name: string, queue: RequestQueue<NullData>): void {
  if (queue.inFlight !== 0) return; // those of clients that have gone
  const { tagSet } = queue;
  if (tagSet.data.shared) return;
  for (let index = 0; index < tagSet.hwQueueCount; index++) {
    const pool = tagSet.pool(index);
    if (pool.inUse !== 0) leak(`${name}: ${pool.inUse} tags in use, with no request in flight`);
    if (pool.mapped !== 0) leak(`${name}: ${pool.mapped} mappings, with no request in flight`);
  }
  for (const request of tagSet.requests) {
    if (request.count() !== 0) leak(`${name}: tag ${request.tag}: ${request.count()} references`);
  }
}

/** All clients have gone, all devices are removed, and the server has stopped. */
export function checkNothingLeft({ memory, timing, world, path, threads }: Remains): void {
  const { bytesInFlight } = path.server;
  if (bytesInFlight !== 0) leak(`${bytesInFlight} bytes in flight, and no client`);
  const clients = threads?.clients ?? 0;
  if (clients > 0) leak(`${clients} clients of threads`);
  if (memory.out.size > 0) leak(`${memory.out.size} slabs`);
  const { keptBytes: kept } = memory;
  const { usedBytes } = memory.memory;
  if (usedBytes > kept || (usedBytes < kept && memory.refused === undefined))
    leak(`${usedBytes} bytes are charged, of which ${kept} are kept for reuse`);
  if (timing.deferred.pending) leak('deferred work');
  if (timing.timers.count > 0) leak(`${timing.timers.count} timers`);
  if (world.pending > 0) leak(`${world.pending} timeouts of the event loop`);
}
