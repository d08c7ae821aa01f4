/** Waiting for what other code does: by looking again, never by a length of time. */

/** Lets the event loop turn until `condition` holds; the test's time limit is the end of patience. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
