/** What the daemon tells of by itself. What is shown is looked at again as soon as something has changed; what is
 *  read all the time, as rates, is looked at every second in any case (live.ts). */

import { useEffect, useRef, useState } from 'preact/hooks';
import { markIn, typeIn } from './happened.ts';
import { lookAgain } from './live.ts';
import { follow } from './tail.ts';

/** These come with requests, as often as those: nothing is looked at for them. */
const FREQUENT: ReadonlySet<string> = new Set(['fault', 'error', 'zone', 'lost']);
const LOOK_MS = 500;

/** Looks at everything again when something has changed, at most twice a second.
 *  @returns the number of the daemon since the page was opened: what one has said is not about the next. */
export function useEvents(): number {
  const [daemon, setDaemon] = useState(0);
  const known = useRef<string>(undefined);
  useEffect(() => {
    let due = false;
    const take = (type: string): void => {
      if (due || FREQUENT.has(type)) return;
      due = true;
      setTimeout(() => {
        due = false;
        lookAgain();
      }, LOOK_MS);
    };
    const stop = new AbortController();
    const parse = (line: string): string | undefined => {
      const mark = markIn(line);
      if (mark !== undefined && mark !== known.current) {
        if (known.current !== undefined) setDaemon((n) => n + 1);
        known.current = mark;
      }
      return typeIn(line);
    };
    void follow(() => '/v1/events', parse, take, stop.signal);
    return () => stop.abort();
  }, []);
  return daemon;
}
