/** Whether the daemon answers: what the latest request of the page has found, whichever view it was for. */

import { useEffect, useState } from 'preact/hooks';

/** `locked`: it answers, and the token is not good any more. */
export type Reach = 'there' | 'locked' | 'gone';

let latest: Reach = 'there';
const CHANGED = 'reach-changed';

export function found(reach: Reach): void {
  if (reach === latest) return;
  latest = reach;
  dispatchEvent(new Event(CHANGED));
}

export function useReach(): Reach {
  const [reach, setReach] = useState(latest);
  useEffect(() => {
    const changed = (): void => setReach(latest);
    addEventListener(CHANGED, changed);
    changed();
    return () => removeEventListener(CHANGED, changed);
  }, []);
  return reach;
}
