/** The most that is done between two turns of the event loop, in units of work, however long it takes. */

/** @param count how many units were done so far. @returns a function that ends the watch, and returns the
 *  most units between two turns. */
export function mostPerTurn(count: () => number): () => number {
  let [most, before, watching] = [0, count(), true];
  const look = (): void => {
    const now = count();
    most = Math.max(most, now - before);
    before = now;
    if (watching) setImmediate(look);
  };
  setImmediate(look);
  return () => {
    watching = false;
    look();
    return most;
  };
}
