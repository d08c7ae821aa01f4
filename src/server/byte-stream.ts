/** Bytes both ways between a client and its server, whatever carries them: a socket, TLS, a pair of pipes, a
 *  thread's rings. */

import type { DirectOffer } from '../export/direct-offer.ts';
import type { ServerFault } from './server-faults.ts';
import type { ServerTls } from './tls-credentials.ts';

/** Where a client's bytes go. */
export interface ByteSink {
  /** Where the next bytes go; asked after every `received`. */
  target(): Uint8Array;
  /** `length` bytes are where `target` said. @returns false: no more until `resume`. */
  received(length: number): boolean;
  /** The client sends nothing any more; it may still read. Not called while there are bytes that `received`
   *  did not want yet. */
  ended(): void;
  /** The write before this one was taken. */
  written(): void;
  /** The connection is over; called once. @param fault set if the client did not cause it. */
  closed(reason: string | undefined, fault?: ServerFault): void;
}

/** A sink that also hears of TLS errors. */
export interface TlsSink extends ByteSink {
  cutOff(reason: string): void;
}

/** Takes bytes to the client. `sent` is called once they need not stay any longer. */
export interface ByteDrain {
  /** Sends bytes [from, to) without waiting and without a list. @returns how many were taken; 0 also if this
   *  stream has no such way. `write` takes the rest. */
  writeNow(bytes: Uint8Array, from: number, to: number): number;
  /** `parts` may be reused after the call.
   *  @returns true when all was taken at once; else `sent` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Ends the client: from now on nothing is written. */
  cutOff(reason: string): void;
  /** Nothing is left to send. */
  drained(): void;
}

export interface ByteStream {
  /** Undefined: it has no address. */
  readonly remoteAddress: string | undefined;
  /** Bytes of `write` that the kernel has not taken yet. */
  readonly unsent: number;
  /** A 32-bit number that changes when the kernel has taken more, and stays while there is more for it to
   *  take.
   *  Undefined: use `unsent`, because nothing is written before all was taken. */
  readonly taken?: number;
  /** Sends bytes [from, to), if they are few and all earlier ones have gone. @returns how many were taken. */
  writeNow?(bytes: Uint8Array, from: number, to: number): number;
  /** @returns true when all was taken at once; else the sink's `written` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Stops reading, from before the next write is sent. */
  pause(): void;
  resume(): void;
  /** Sends everything, then closes the connection in order. */
  end(): void;
  destroy(): void;
  /** The same, and the client learns that the connection broke, if the stream can tell it. */
  reset?(): void;
  /** The stream that goes on in TLS. Call it once everything was written and while nothing is read; the sink
   *  hears nothing of the old stream any more. @returns undefined: it is encrypted already. */
  secure(tls: ServerTls, sink: TlsSink): ByteStream | undefined;
  /** What was agreed on, for the owner of the socket: it may execute requests while the client is lent.
   *  Undefined: nobody else could. */
  offer?(offer: DirectOffer): void;
  /** Nothing of the client is here: neither half a request nor a reply. */
  lend?(): void;
  /** The loan ends, once the requests in hand there have ended. */
  revoke?(): void;
  /** How often requests were executed while it was lent. */
  readonly batchesElsewhere?: number;
}
