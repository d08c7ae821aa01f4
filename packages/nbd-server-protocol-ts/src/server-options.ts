/** The options of a `ServerConnection`: exports, functions that execute requests, and the way to the
 *  transport. */

import type { OnClientFault } from './client-faults.ts';
import type { OfferedContext } from './contexts.ts';
import type { Extent } from './extents.ts';
import type { Send } from './outgoing.ts';
import type { ReplyForm } from './reply-encoder.ts';

/** An export. It is never changed, and requests refer to it, so it may have members of yours. */
export interface ServerExport {
  /** A client that names none gets the export named '', or else the first. */
  readonly name: string;
  /** Bytes, below 2^53. */
  readonly size: number;
  readonly description?: string;
  /** @default true without a function `write` */
  readonly readOnly?: boolean;
  /** Clients may open several connections: what is flushed on one is durable for all. @default false */
  readonly multiConn?: boolean;
  /** @default false */
  readonly rotational?: boolean;
  /** Clients without TLS do not get it, and do not see it in a list. @default false */
  readonly tlsOnly?: boolean;
  /** Bytes. Requests that are not multiples of `minimum` are refused, and so are reads and writes of more
   *  than `maximumPayload`. @default 1, 4096 and 32 MiB */
  readonly blockSize?: {
    readonly minimum?: number;
    readonly preferred?: number;
    readonly maximumPayload?: number;
  };
  /** Metadata contexts that `blockStatus` knows. @default base:allocation */
  readonly contexts?: readonly (string | OfferedContext)[];
}

/** Tells when a long task is over: the part of the runtime's `AbortSignal` that is used here. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** `AbortSignal` where the types of the runtime have it. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } }
  ? S
  : SignalLike;

/** A request that is valid: its range lies inside the export, its flags were offered. */
export interface ServerRequest<E extends ServerExport = ServerExport> {
  readonly export: E;
  /** Aborted when the connection ends: the answer is not needed any more. */
  readonly signal: Signal;
}

export interface RangeRequest<E extends ServerExport = ServerExport> extends ServerRequest<E> {
  /** Bytes. */
  readonly offset: number;
  /** Bytes, at least one. */
  readonly length: number;
}

export interface ChangeRequest<E extends ServerExport = ServerExport> extends RangeRequest<E> {
  /** The change must be durable before it is answered: the connection calls `flush` behind it, unless
   *  `nativeFua` says that the handler does that itself. */
  readonly fua: boolean;
}

export interface ZeroesRequest<E extends ServerExport = ServerExport> extends ChangeRequest<E> {
  /** The range must stay allocated. */
  readonly noHole: boolean;
  /** Throw ENOTSUP at once if it would be no faster than a write. Only with `fastZeroes`. */
  readonly fast: boolean;
}

export interface StatusRequest<E extends ServerExport = ServerExport> extends RangeRequest<E> {
  /** The name of one selected context. The function is called once for each. */
  readonly context: string;
  /** Only the first extent is of interest. */
  readonly single: boolean;
}

export type Awaitable<T> = T | PromiseLike<T>;

/** A piece of what was read: bytes, or so many zeros, which are sent as a hole where that is possible. */
export type ReadPart = Uint8Array | { readonly zeros: number };

/** The functions of a server. Each may return a promise; requests run concurrently. A thrown `NbdError` is
 *  sent to the client. A thrown system error (its `code` is ENOSPC, EROFS ...) is translated; any other error
 *  becomes EIO without a text. A command without its function is not offered. */
export interface ServerHandlers<E extends ServerExport = ServerExport> {
  /** @returns exactly `length` bytes, in one piece or in parts. They are copied at once. */
  read(request: RangeRequest<E>): Awaitable<Uint8Array | readonly ReadPart[]>;
  /** @param data yours to keep. */
  write?(request: ChangeRequest<E>, data: Uint8Array): Awaitable<void>;
  /** Resolves when all changes whose functions had ended before this call are durable. */
  flush?(request: ServerRequest<E>): Awaitable<void>;
  /** The content of the range is not needed any more. */
  trim?(request: ChangeRequest<E>): Awaitable<void>;
  zeroes?(request: ZeroesRequest<E>): Awaitable<void>;
  /** The range will be read soon. */
  cache?(request: RangeRequest<E>): Awaitable<void>;
  /** @returns extents from `offset` on, one behind the other: at least one, preferably up to the end of the
   *  range. Neighbours are merged, and superfluous ones left out. */
  blockStatus?(request: StatusRequest<E>): Awaitable<readonly Extent[]>;
}

/** What one client may have in flight. While it is reached, its further requests wait. */
export const serverLimits = {
  requests: { max: 128, why: 'as many as the kernel has in flight by itself' },
  bytes: {
    max: 64 * 1024 * 1024,
    why: 'two of the longest payloads that clients may send unasked',
  },
} as const;

export interface ServerConnectionOptions<E extends ServerExport = ServerExport>
  extends ServerHandlers<E> {
  /** A function is called again for each option of the handshake. */
  readonly exports: readonly E[] | (() => Iterable<E>);
  /** Bytes for the client, in order. To hold the server up while the socket's buffer is full:
   *  `socket.write(bytes) || once(socket, 'drain')`. */
  readonly send: Send;
  /** The connection is over; called once. Close the socket when all that was sent has gone.
   *  @param error undefined: the client said goodbye, or `shutdown` was called. */
  close(error?: Error): void;
  /** Stop calling `receive` until `resume` is called. Bytes that still arrive are kept. */
  pause?(): void;
  resume?(): void;
  /** TLS: without it STARTTLS is refused. */
  readonly tls?: {
    /** on: only exports with `tlsOnly` need it. @default 'require' */
    readonly mode?: 'on' | 'require';
    /** Everything in plaintext has been sent. Wrap the socket and call `secured()`; from then on give
     *  `receive` decrypted bytes. */
    start(): void;
  };
  /** @default true */
  readonly structuredReplies?: boolean;
  /** @default true */
  readonly extendedHeaders?: boolean;
  /** @default those of `serverLimits` */
  readonly limits?: { readonly requests?: number; readonly bytes?: number };
  /** `write`, `trim` and `zeroes` respect `fua` themselves. @default false */
  readonly nativeFua?: boolean;
  /** `zeroes` respects `fast`. @default false */
  readonly fastZeroes?: boolean;
  /** A handler threw something other than an `NbdError`, or returned something invalid. */
  onError?(error: unknown, request: ServerRequest<E>): void;
  /** The client broke a rule and is still served. */
  readonly onFault?: OnClientFault;
}

/** What client and server agreed on. */
export interface ServerAgreed<E extends ServerExport = ServerExport> {
  readonly export: E;
  readonly replyForm: ReplyForm;
  /** Names of the selected metadata contexts. */
  readonly contexts: readonly string[];
  /** The connection is encrypted. */
  readonly secure: boolean;
}
