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

/** The clients that have come and not gone. They are known for as long as they are there, however many events come
 *  after theirs. */
export class Clients {
  readonly #found = new Map<number, Client>();
  #last = 0;

  /** @param event in the order of its number. One that is not higher is another daemon's: its clients are others. */
  take({ seq, type, time, facts }: Happened): void {
    // An event `lost` has no number.
    if (seq === 0) return;
    if (seq <= this.#last) this.#found.clear();
    this.#last = seq;
    const connection = Number(facts['connection']);
    if (type === 'disconnected') this.#found.delete(connection);
    if (type !== 'connected') return;
    const { from, replies, tls } = facts;
    const told = { from: String(from), replies: String(replies), tls: tls === true };
    this.#found.set(connection, { connection, ...told, since: time });
  }

  /** In the order in which they came. */
  get all(): Client[] {
    return [...this.#found.values()];
  }
}
