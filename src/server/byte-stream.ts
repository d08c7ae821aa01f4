/** Bytes both ways between a client and whoever serves it, whatever carries them: a socket, TLS, a pair
 *  of pipes, a thread's rings. */

import type { DirectOffer } from '../export/direct-offer.ts';
import type { ServerFault } from './server-faults.ts';
import type { ServerTls } from './tls-credentials.ts';

/** Where a client's bytes go. */
export interface ByteSink {
  /** Where the next bytes go; asked after every `received`. */
  target(): Uint8Array;
  /** `length` bytes are where `target` said. @returns false: no more until `resume`. */
  received(length: number): boolean;
  /** The client sends nothing any more; it may still read. Not while there is something that `received`
   *  did not want yet. */
  ended(): void;
  /** The write before this one was taken. */
  written(): void;
  /** All is over; called once. @param fault where it is not the client that caused it. */
  closed(reason: string | undefined, fault?: ServerFault): void;
}

/** A sink that hears of what TLS finds wrong, too. */
export interface TlsSink extends ByteSink {
  cutOff(reason: string): void;
}

/** Takes bytes to the client. `sent` is called once they need not stay any longer. */
export interface ByteDrain {
  /** Bytes [from, to), without waiting and without a list. @returns how many were taken: 0 also where that
   *  is not the way, and the rest is `write`'s. */
  writeNow(bytes: Uint8Array, from: number, to: number): number;
  /** `parts` may be another list's after the call.
   *  @returns true when all was taken at once; else `sent` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Ends the client: nothing is written any more. */
  cutOff(reason: string): void;
  /** Nothing is left to send. */
  drained(): void;
}

export interface ByteStream {
  /** Undefined: it has none. */
  readonly remoteAddress: string | undefined;
  /** Bytes of `write` that the kernel has not taken yet. */
  readonly unsent: number;
  /** Of 32 bits: another when the kernel has taken more, and the same when there is more for it to take.
   *  Undefined: `unsent` is, as nothing is written before all was taken. */
  readonly taken?: number;
  /** Bytes [from, to), where they are few and all before them has gone. @returns how many were taken. */
  writeNow?(bytes: Uint8Array, from: number, to: number): number;
  /** @returns true when all was taken at once; else the sink's `written` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Nothing more is read, from before what is written after this is sent. */
  pause(): void;
  resume(): void;
  /** Sends what is there, then says goodbye. */
  end(): void;
  destroy(): void;
  /** The same, and the client is told that the connection broke, where the way can tell. */
  reset?(): void;
  /** What goes on in TLS, once all was written and with no reading going on; the sink hears nothing of
   *  the stream before it any more. @returns undefined: it is encrypted already. */
  secure(tls: ServerTls, sink: TlsSink): ByteStream | undefined;
  /** What was agreed on, for whoever has the socket: it may execute requests while the client is lent.
   *  Undefined: nobody else could. */
  offer?(offer: DirectOffer): void;
  /** Nothing of the client is here, neither half a request nor a reply. */
  lend?(): void;
  /** It is not lent any more, once the requests in hand there have ended. */
  revoke?(): void;
  /** How often requests were executed while it was lent. */
  readonly batchesElsewhere?: number;
}
