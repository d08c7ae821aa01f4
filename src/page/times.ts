/** Times of day, all as the clock of the browser has them. Knows no document. */

const SECOND_MS = 1000;

/** 18:31:05. @param seconds since 1970. */
export function clockText(seconds: number): string {
  return new Date(seconds * SECOND_MS).toTimeString().slice(0, 8);
}

/** 18:31:05.250, behind the date if it is not that of `now`. @param iso as the daemon says it, in UTC. */
export function whenText(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const ms = at.getTime();
  if (Number.isNaN(ms)) return iso;
  const clock = `${clockText(ms / SECOND_MS)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  if (at.toDateString() === now.toDateString()) return clock;
  const [month, day] = [at.getMonth() + 1, at.getDate()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${at.getFullYear()}-${month}-${day} ${clock}`;
}
