/** What the server's limits of time say of one client: one that keeps within them is not cut off, and one
 *  that does not is, in time. Knows no bytes. Source: nbd-protocol.md section 7. */

const SECOND = 1e9;
/** The server looks every eighth of a limit, or every 100 ms: it sees up to one look late that a client has
 *  stopped, and counts whole looks from there. */
const LATE = 1.25;
const LATE_NS = 0.3 * SECOND;
/** What leaves the server, also the end, has come by then. */
const ARRIVES_NS = 10e6;

/** In seconds; 0: none. */
export interface TimeLimits {
  readonly handshakeTime: number;
  readonly idleTime: number;
  readonly stallTime: number;
}

/** What a client keeps the server from going on with; `us`: nothing, or it cannot be told. */
export type Keeps = 'handshake' | 'idle' | 'stall' | 'us';

export class ClientTime {
  readonly #limits: Readonly<Record<Keeps, number>>;
  /** ns that bytes take at most. */
  readonly #latencyNs: number;
  #connectedAt = 0;
  #movedAt = 0;
  /** The last of that which the server knows of. */
  #seenAt = 0;
  /** The longest pause that ended a moment ago: ns that it took, and when it ended. */
  #pauseNs = 0;
  #pausedUntil = 0;
  /** What it keeps the server from, as of the last look, and since when. */
  #keeps: Keeps = 'us';
  #keepsSince = 0;

  constructor({ handshakeTime, idleTime, stallTime }: TimeLimits, latencyNs: number) {
    this.#limits = { handshake: handshakeTime, idle: idleTime, stall: stallTime, us: 0 };
    this.#latencyNs = latencyNs;
  }

  connected(now: number): void {
    this.#connectedAt = this.#movedAt = this.#seenAt = this.#pausedUntil = now;
    this.#pauseNs = 0;
    this.#keeps = 'us';
  }

  /** Bytes came or went. @param seen false: they had come before, and the client took them now. */
  moved(now: number, seen: boolean): void {
    this.#movedAt = now;
    if (!seen) return;
    const pause = now - this.#seenAt;
    this.#seenAt = now;
    // What comes in pieces right after a long pause does not make that one shorter.
    if (pause < this.#pauseNs && now - this.#pausedUntil <= ARRIVES_NS) return;
    this.#pauseNs = pause;
    this.#pausedUntil = now;
  }

  /** Has it been still for so long that the server may cut it off? */
  mayBeCut(now: number, haggles: boolean): boolean {
    const { handshake, idle, stall } = this.#limits;
    if (haggles) return handshake > 0 && now - this.#connectedAt >= handshake * SECOND;
    const least = Math.min(...[idle, stall].filter((limit) => limit > 0));
    const still = now - this.#seenAt;
    // What it sent last may have met a connection that was cut off by then.
    const ended = now - this.#pausedUntil;
    const longest = ended <= ARRIVES_NS ? Math.max(still, this.#pauseNs) : still;
    // A reply has left before it comes here, also through a thread of a slow machine.
    return longest >= least * SECOND - ARRIVES_NS;
  }

  /** Should the server have cut it off by now?
   *  @param tookAt when the server last took bytes of it: those may have come long before. */
  overdue(now: number, keeps: Keeps, tookAt: number): boolean {
    if (keeps !== this.#keeps) {
      this.#keeps = keeps;
      this.#keepsSince = now;
    }
    const limit = this.#limits[keeps];
    if (limit === 0) return false;
    const moved = Math.max(this.#movedAt, tookAt, this.#keepsSince);
    const since = keeps === 'handshake' ? this.#connectedAt : moved;
    return now - since > LATE * limit * SECOND + LATE_NS + 4 * this.#latencyNs;
  }
}
