/** What the rules of devices do to a client that arrives: the first device with a matching rule decides.
 *  Source: faults.md section 3 (op=connect, op=handshake). */

import type { NbdExport } from '../export/nbd-export.ts';
import type { Arrival, Front } from '../export/reply-sink.ts';

/** Devices that have rules. If there are some, a rule may strike any command: then the client's bytes take
 *  the one way where each can be held. */
export function frontsOf(exports: Iterable<NbdExport>): readonly Front[] {
  const fronts: Front[] = [];
  for (const { disk } of exports) {
    const { front } = disk.queue;
    if (front !== undefined) fronts.push(front);
  }
  return fronts;
}

/** @returns undefined: nothing happens to it, as always without rules. */
export function arrivalAt(fronts: readonly Front[]): Arrival | undefined {
  for (const front of fronts) {
    const arrival = front.arrives();
    if (arrival !== undefined) return arrival;
  }
  return undefined;
}
