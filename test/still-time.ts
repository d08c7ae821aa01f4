/** Timers that go off when a test says so: however busy the machine is, nobody is late. For what runs in the
 *  test's own process; processes and sockets go on by themselves. */

import { vi } from 'vitest';

/** @param pass lets so many ms go by: what is due by then is called, in order. */
export async function inStillTime(
  act: (pass: (ms: number) => void) => Promise<void>,
): Promise<void> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await act((ms) => void vi.advanceTimersByTime(ms));
  } finally {
    vi.useRealTimers();
  }
}
