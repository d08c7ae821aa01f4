/** Waiting for what other code does: by looking again, never by a length of time. */

import type { Socket } from 'node:net';

/** Lets the event loop turn until `condition` holds; the test's time limit is the end of patience. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

/** Until the socket is closed, well or by a reset: newer Nodes tell of the reset as well. */
export function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.once('close', () => resolve());
  });
}
