/** The most that is done between two turns of the event loop, in units of work, whatever time it takes. */

/** @param count how many units have been done so far. @returns what ends the watch, and says how many were done
 *  between two turns at most. */
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
