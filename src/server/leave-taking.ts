/** Clients of an export that goes: what they have in flight takes as long as it takes, and whoever keeps us
 *  waiting beside that has a limited time. Source: control.md section 2 (power). */

import type { Scheduler } from '../time/clock.ts';
import type { WaitsFor } from './watch.ts';

export interface Leaving {
  readonly waitsFor: WaitsFor;
  destroy(): void;
}

const LOOKS = 10;

/** Ends each of `clients` that has kept us waiting for `ms` in all. @returns what to call when all have gone. */
export function limitLeaveTaking(
  clients: readonly Leaving[],
  scheduler: Pick<Scheduler, 'timeout'>,
  ms: number,
): () => void {
  const looks = new Map(clients.map((client) => [client, 0]));
  let cancel: () => void;
  const look = (): void => {
    cancel = scheduler.timeout(look, ms / LOOKS);
    for (const [client, before] of looks) {
      if (client.waitsFor === 'us') continue;
      looks.set(client, before + 1);
      if (before + 1 === LOOKS) client.destroy();
    }
  };
  cancel = scheduler.timeout(look, ms / LOOKS);
  return () => cancel();
}
