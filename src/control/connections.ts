/** The connections of one HTTP server, up to a limit. Beyond it the one that has been idle longest is closed,
 *  so that idle connections lock nobody out. */

/** What is needed of a socket. */
export interface Closable {
  once(event: 'close', listener: () => void): unknown;
  destroy(): unknown;
}

export class Connections {
  readonly #max: number;
  readonly #all = new Set<Closable>();
  /** Connections without a request, the longest idle first. */
  readonly #idle = new Set<Closable>();
  /** How many requests each of the others has under way: a client may send several at once. */
  readonly #busy = new Map<Closable, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The limit is passed, and every connection has a request. */
  get tooMany(): boolean {
    return this.#all.size > this.#max;
  }

  add(socket: Closable): void {
    this.#all.add(socket);
    socket.once('close', () => this.#forget(socket));
    if (this.#all.size > this.#max) this.#closeOne();
    this.#idle.add(socket);
  }

  /** A request of it has come. */
  begins(socket: Closable): void {
    this.#idle.delete(socket);
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1);
  }

  /** Its request was answered, or it is gone. */
  ended(socket: Closable): void {
    const left = (this.#busy.get(socket) ?? 1) - 1;
    if (left > 0) this.#busy.set(socket, left);
    else this.#busy.delete(socket);
    if (left === 0 && this.#all.has(socket)) this.#idle.add(socket);
  }

  #closeOne(): void {
    const [longest] = this.#idle;
    if (longest === undefined) return;
    // The connection hears of its end later, and others may arrive before.
    this.#forget(longest);
    longest.destroy();
  }

  #forget(socket: Closable): void {
    this.#all.delete(socket);
    this.#idle.delete(socket);
    this.#busy.delete(socket);
  }
}
