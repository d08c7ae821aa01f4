/** The latest of what comes line by line and never ends: a log, events. It is drawn a few times a second, however
 *  much comes, and asked for again where it broke off. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { lines } from './call.ts';

/** So many are kept. */
const KEPT = 1000;
const DRAW_MS = 250;
const AGAIN_MS = 1000;

/** A number that grows. */
interface Numbered {
  readonly seq: number;
}

/** The latest first. @param pathAfter of what comes behind a number; @param parse undefined: the line says nothing.
 *  A function that is another one than before begins anew. */
export function useTail<T extends Numbered>(
  name: string,
  pathAfter: (name: string, seq: number) => string,
  parse: (line: string) => T | undefined,
): readonly T[] {
  const kept = useRef<T[]>([]);
  const [shown, setShown] = useState<readonly T[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    kept.current = [];
    let changed = false;
    const draw = setInterval(() => {
      if (changed) setShown([...kept.current].reverse());
      changed = false;
    }, DRAW_MS);
    const take = (one: T): void => {
      kept.current.push(one);
      if (kept.current.length > KEPT) kept.current.splice(0, kept.current.length - KEPT);
      changed = true;
    };
    const path = (): string => pathAfter(name, kept.current.at(-1)?.seq ?? 0);
    void follow(path, parse, take, stop.signal);
    return () => {
      stop.abort();
      clearInterval(draw);
    };
  }, [name, pathAfter, parse]);
  return shown;
}

/** Of an event: what the daemon wants to hear from who comes back. */
const ID = 'id: ';

/** Hands over what comes until `signal` is aborted. A page that nobody sees has no stream: a browser has six connections
 *  to one daemon for all its tabs, and streams keep theirs. */
export async function follow<T>(
  path: () => string,
  parse: (line: string) => T | undefined,
  take: (one: T) => void,
  signal: AbortSignal,
): Promise<void> {
  let heard: string | undefined;
  while (!signal.aborted) {
    await seen(signal);
    const stream = new AbortController();
    const end = (): void => {
      if (signal.aborted || document.hidden) stream.abort();
    };
    signal.addEventListener('abort', end);
    document.addEventListener('visibilitychange', end);
    try {
      for await (const line of lines(path(), stream.signal, heard)) {
        if (line.startsWith(ID)) heard = line.slice(ID.length);
        const one = parse(line);
        if (one !== undefined) take(one);
      }
    } catch {
      // The daemon has gone, or the view, or who looked at it: the next try tells.
    } finally {
      signal.removeEventListener('abort', end);
      document.removeEventListener('visibilitychange', end);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Waits while the page is hidden. */
async function seen(signal: AbortSignal): Promise<void> {
  while (document.hidden && !signal.aborted) {
    await new Promise<void>((resolve) => {
      const changed = (): void => {
        signal.removeEventListener('abort', changed);
        document.removeEventListener('visibilitychange', changed);
        resolve();
      };
      signal.addEventListener('abort', changed);
      document.addEventListener('visibilitychange', changed);
    });
  }
}
