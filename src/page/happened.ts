/** The daemon's events as it sends them, and what follows from them. Knows no document.
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

export function eventsAfter(name: string, seq: number): string {
  return `/v1/events?device=${encodeURIComponent(name)}&after=${seq}`;
}

export interface Client {
  readonly connection: number;
  readonly from: string;
  readonly replies: string;
  readonly tls: boolean;
  readonly since: string;
}

/** The clients that have come and not gone, of events whose latest is the first. */
export function clientsOf(events: readonly Happened[]): Client[] {
  const found = new Map<number, Client>();
  for (const { type, time, facts } of [...events].reverse()) {
    const connection = Number(facts['connection']);
    if (type === 'disconnected') found.delete(connection);
    if (type !== 'connected') continue;
    const { from, replies, tls } = facts;
    const told = { from: String(from), replies: String(replies), tls: tls === true };
    found.set(connection, { connection, ...told, since: time });
  }
  return [...found.values()];
}
