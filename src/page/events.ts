/** What the daemon tells of by itself. What is shown is looked at again as soon as something has changed; what is
 *  read all the time, as rates, is looked at every second in any case (live.ts). */

import { type Happened, happenedIn } from './happened.ts';
import { lookAgain } from './live.ts';
import { follow } from './tail.ts';

/** These come with requests, as often as those: nothing is looked at for them. */
const FREQUENT: ReadonlySet<string> = new Set(['fault', 'error', 'zone', 'lost']);
const LOOK_MS = 500;

/** Looks at everything again when something has changed, at most twice a second. Never ends. */
export function watch(): void {
  let due = false;
  const take = ({ type }: Happened): void => {
    if (due || FREQUENT.has(type)) return;
    due = true;
    setTimeout(() => {
      due = false;
      lookAgain();
    }, LOOK_MS);
  };
  void follow(() => '/v1/events', happenedIn, take, new AbortController().signal);
}
