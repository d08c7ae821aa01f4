/** The tokens of the API over TCP: the user's own, those of `tnull page`, which are good for one use, and those
 *  of the pages that are open. Source: control.md section 1 (--http-token-file); page.md section 2. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { limits } from './limits.ts';

const TOKEN_BYTES = 24;

export class Tokens {
  /** Undefined: the user has none. */
  readonly #own: Buffer | undefined;
  readonly #oneTime: Buffer[] = [];
  readonly #sessions: Buffer[] = [];

  constructor(own: string | undefined) {
    this.#own = own === undefined ? undefined : digest(own);
  }

  /** May be used as often as one likes. */
  isKnown(given: string): boolean {
    const wanted = digest(given);
    const all = this.#own === undefined ? this.#sessions : [this.#own, ...this.#sessions];
    return all.some((one) => timingSafeEqual(one, wanted));
  }

  /** @returns whether it was good; it is no longer. */
  takeOneTime(given: string): boolean {
    const wanted = digest(given);
    const at = this.#oneTime.findIndex((one) => timingSafeEqual(one, wanted));
    if (at >= 0) this.#oneTime.splice(at, 1);
    return at >= 0;
  }

  /** A new token for one use. The oldest are dropped. */
  oneTime(): string {
    return added(this.#oneTime, limits.oneTimeTokens.max);
  }

  /** A new token for a page, as long as the daemon lives. The oldest are dropped. */
  session(): string {
    return added(this.#sessions, limits.pageSessions.max);
  }
}

function added(to: Buffer[], max: number): string {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  if (to.push(digest(token)) > max) to.shift();
  return token;
}

/** Digests have one length, so that the time of a comparison tells nothing about a token. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
