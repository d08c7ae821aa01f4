/** What the rules of devices have for a client that arrives: the first device that has something decides.
 *  Source: faults.md section 3 (op=connect, op=handshake). */

import type { NbdExport } from '../export/nbd-export.ts';
import type { Arrival } from '../export/reply-sink.ts';

/** A rule may hit what a client does: its bytes then go the one way where each can be held. */
export function mayMisbehave(exports: Iterable<NbdExport>): boolean {
  for (const { disk } of exports) if (disk.queue.front !== undefined) return true;
  return false;
}

/** @returns undefined: nothing happens to it, as ever where there are no rules. */
export function arrivalAt(exports: Iterable<NbdExport>): Arrival | undefined {
  for (const { disk } of exports) {
    const arrival = disk.queue.front?.arrives();
    if (arrival !== undefined) return arrival;
  }
  return undefined;
}
