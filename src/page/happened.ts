/** The daemon's events as it sends them. Knows no document.
 *  Source: page.md section 4. */

export interface Happened {
  /** Its number since the daemon began. */
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  /** Everything else, by name. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** @param line of an event stream: its data are all one needs. */
export function happenedIn(line: string): Happened | undefined {
  if (!line.startsWith('data:')) return undefined;
  const told: unknown = JSON.parse(line.slice('data:'.length));
  if (typeof told !== 'object' || told === null) return undefined;
  const {
    id = 0,
    time = '',
    type = '',
    device: _,
    ...facts
  }: Record<string, unknown> = { ...told };
  return { seq: Number(id), time: String(time), type: String(type), facts };
}

/** The daemon that tells, by a mark of its own. @param line of an event stream. @returns undefined: it does not say. */
export function markIn(line: string): string | undefined {
  return /^id: \d+@(\w+)$/.exec(line)?.[1];
}

/** @param line of an event stream. @returns undefined: it does not say. */
export function typeIn(line: string): string | undefined {
  return /^event: (\w+)$/.exec(line)?.[1];
}

export function eventsAfter(name: string, seq: number): string {
  return `/v1/events?device=${encodeURIComponent(name)}&after=${seq}`;
}
