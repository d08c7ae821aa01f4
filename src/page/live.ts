/** What is looked at again and again: one request at a time, none while nobody looks at the page. The views know
 *  neither when nor how; when the daemon tells that something has changed (events.ts), all of it is looked at. */

import { useEffect, useState } from 'preact/hooks';
import { look as lookAt, Refusal } from './call.ts';

export interface Live<T> {
  /** Undefined: not yet known. */
  readonly value: T | undefined;
  /** When it was true, in ms. */
  readonly at: number;
  /** The last look failed: why. */
  readonly error: Refusal | undefined;
  /** Looks now. */
  readonly again: () => void;
}

/** Calls `look` every `everyMs` until `signal` is aborted; later when a look takes long, so that a slow daemon has
 *  most of its time for others, and not at all while the page is hidden. */
export async function repeat(
  look: () => Promise<void>,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const begin = performance.now();
    if (!document.hidden) await look();
    const took = performance.now() - begin;
    await pause(Math.max(everyMs - took, took * 4), signal);
  }
}

/** Ends early when the page is seen again, or one asks for a look. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      removeEventListener(LOOK, end);
      document.removeEventListener('visibilitychange', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    addEventListener(LOOK, end);
    document.addEventListener('visibilitychange', end);
  });
}

const LOOK = 'look-again';

/** Something was changed: everything that is shown is looked at now. */
export function lookAgain(): void {
  dispatchEvent(new Event(LOOK));
}

/** What GET `path` answers, kept fresh. @param path undefined: nothing is asked. */
export function useLive<T>(path: string | undefined, everyMs = 1000): Live<T> {
  const [live, setLive] = useState<Omit<Live<T>, 'again'> & { of?: string | undefined }>({
    ...{ value: undefined, at: 0, error: undefined },
  });
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      try {
        const value = await lookAt<T>(path, stop.signal);
        if (!stop.signal.aborted) {
          setLive({ value, at: performance.now(), error: undefined, of: path });
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        const refusal = error instanceof Refusal ? error : new Refusal(0, String(error));
        setLive((before) => ({ ...before, error: refusal, of: path }));
      }
    };
    void repeat(look, everyMs, stop.signal);
    return () => stop.abort();
  }, [path, everyMs]);
  // What another path has answered is not about this one.
  if (live.of !== path) return { value: undefined, at: 0, error: undefined, again: lookAgain };
  return { ...live, again: lookAgain };
}
