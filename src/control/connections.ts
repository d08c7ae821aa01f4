/** The connections of one server of HTTP, up to a limit: beyond it the one that has been idle longest is
 *  closed, so that who holds connections without a use for them locks nobody out. */

/** Of a socket, what is needed here. */
export interface Closable {
  once(event: 'close', listener: () => void): unknown;
  destroy(): unknown;
}

export class Connections {
  readonly #max: number;
  readonly #all = new Set<Closable>();
  /** Without a request under way, the longest idle first. */
  readonly #idle = new Set<Closable>();
  /** How many requests are under way of the others: a client may send several at once. */
  readonly #busy = new Map<Closable, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** There are more than may be, all of them with a request. */
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

  /** Its request has been answered, or it has gone. */
  ended(socket: Closable): void {
    const left = (this.#busy.get(socket) ?? 1) - 1;
    if (left > 0) this.#busy.set(socket, left);
    else this.#busy.delete(socket);
    if (left === 0 && this.#all.has(socket)) this.#idle.add(socket);
  }

  #closeOne(): void {
    const [longest] = this.#idle;
    if (longest === undefined) return;
    // What it is told of its end comes later, and others may come before.
    this.#forget(longest);
    longest.destroy();
  }

  #forget(socket: Closable): void {
    this.#all.delete(socket);
    this.#idle.delete(socket);
    this.#busy.delete(socket);
  }
}
