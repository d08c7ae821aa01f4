/** What happens to a command's reply, or to a connection, on the way to the client. The device decides it;
 *  the owner of the connection carries it out.
 *  Source: faults.md section 3. */

import type { Nanoseconds } from '../units.ts';

export type Wire =
  | { readonly form: 'reset' | 'close' | 'cookie' | 'duplicate' | 'magic' }
  | { readonly form: 'truncate' | 'stall' | 'garbage'; readonly bytes: number }
  | { readonly form: 'drip'; readonly bytes: number; readonly apart: Nanoseconds }
  | { readonly form: 'reorder'; readonly replies: number }
  | { readonly form: 'error'; readonly value: number };

/** @param hurry nothing may be held up any more. */
export type PauseOver = (hurry: boolean) => void;

export interface WireFault {
  readonly wire: Wire;
  /** Random bytes: those of `garbage`, and one that says which bit of a cookie is flipped. */
  fill(bytes: Uint8Array): void;
  /** The connection stands still until `release` is called. @returns to be called when it has gone. */
  stalls(release: () => void): () => void;
  /** Calls `then` so much later. @returns what cancels it. */
  later(then: PauseOver, ns: Nanoseconds): () => void;
}

/** What happens to a client that arrives, before the greeting. */
export type ArrivalFault =
  | { readonly kind: 'wire'; readonly fault: WireFault }
  /** Every export is refused. */
  | { readonly kind: 'refuse' };

/** What a device's rules do to a client that arrives. */
export interface Arrival {
  readonly fault: ArrivalFault | undefined;
  /** Before the greeting. */
  readonly delayNs: Nanoseconds;
  /** Counts the bytes of the handshake that the server sends. */
  readonly handshake: WireFault | undefined;
}
