/** The start of the threads for sockets: a refusal of the machine is one line. */

import type { PoolOptions, ThreadPool } from '../threads/pool.ts';
import { MiB } from '../units.ts';
import { machineMemory } from './machine-memory.ts';

/** The machine has no room for this many threads. */
export class ThreadsError extends Error {}

/** What V8 and malloc reserve for a thread: measured 592 MiB on Node 20 to 24, 847 MiB on Node 26. V8 ends
 *  the process when it is refused, so this is checked before. */
const ADDRESS_BYTES = (Number.parseInt(process.versions.node, 10) < 26 ? 640 : 896) * MiB;

/** @param threads as many, more than one. @throws ThreadsError in one line. */
export async function startPool(
  threads: number,
  options: Omit<PoolOptions, 'threads'>,
): Promise<ThreadPool> {
  const { addressBytes } = machineMemory();
  if (addressBytes < threads * ADDRESS_BYTES) {
    const left = `ulimit leaves ${Math.floor(addressBytes / MiB)} MiB of address space`;
    throw new ThreadsError(`--threads ${threads}: ${left}, and each takes ${ADDRESS_BYTES / MiB}`);
  }
  // A start without threads does not wait for it.
  const { ThreadPool } = await import('../threads/pool.ts');
  try {
    return await ThreadPool.start({ threads, ...options });
  } catch (error) {
    // An error with a code comes from the system or from Node; any other is a bug.
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new ThreadsError(`--threads ${threads}: cannot be started: ${error.message}`);
  }
}
