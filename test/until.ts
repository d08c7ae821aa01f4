/** Waiting for what other code does: by looking again, never by a length of time. */

import type { Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** What this process does itself is done by then. */
const TURNS = 100;

/** Lets the event loop turn until `condition` holds; the test's time limit is the end of patience. Other
 *  processes and timers take longer: between two looks for those it rests, since they need the processor. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let looks = 1; !(await condition()); looks++) {
    await (looks < TURNS ? setImmediate() : setTimeout(1));
  }
}

/** Until the socket is closed, well or by a reset: newer Nodes tell of the reset as well. */
export function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.once('close', () => resolve());
  });
}
