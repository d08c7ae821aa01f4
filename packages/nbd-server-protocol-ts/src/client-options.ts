/** The options of a `ClientConnection`, and what it reports. */

import type { Extent } from './extents.ts';
import type { Send } from './outgoing.ts';
import type { ReplyForm } from './reply-encoder.ts';
import type { SignalLike } from './server-options.ts';

export interface ClientConnectionOptions {
  /** @default '', the default export */
  readonly exportName?: string;
  /** Metadata contexts to select; contexts that the server does not have are left out.
   *  @default base:allocation */
  readonly contexts?: readonly string[];
  /** Bytes for the server, in order. To hold requests back while the socket's buffer is full:
   *  `socket.write(bytes) || once(socket, 'drain')`. */
  readonly send: Send;
  /** The connection is over; called once. @param error undefined: after `disconnect`. */
  close?(error?: Error): void;
  /** TLS: without it the client does not ask for it. */
  readonly tls?: {
    /** on: only if the server has it. @default 'require' */
    readonly mode?: 'on' | 'require';
    /** Everything in plaintext has been sent. Start TLS on the socket, and call `secured()` when it is
     *  connected. */
    start(): void;
  };
  /** @default true */
  readonly structuredReplies?: boolean;
  /** @default true */
  readonly extendedHeaders?: boolean;
  /** Asks for the block sizes, and so promises to respect them. A client that does not ask may send requests
   *  of any alignment, which the server may refuse. @default true */
  readonly askBlockSize?: boolean;
  /** EXPORT_NAME instead of GO, as the oldest clients do: the server then tells only size and flags.
   *  @default false */
  readonly exportByName?: boolean;
  /** Requests that the server did not offer, or that are outside the export, fail at once and are not sent. Set it to
   *  false to test servers. @default true */
  readonly strict?: boolean;
}

/** The export as the server described it. */
export interface ClientExport {
  /** Bytes; rounded from 2^53 on. */
  readonly size: number;
  readonly exactSize: bigint;
  /** `TransmissionFlag`s. */
  readonly flags: number;
  readonly readOnly: boolean;
  readonly description: string | undefined;
  /** Bytes; the protocol's default if the server did not send them. */
  readonly blockSize: {
    readonly minimum: number;
    readonly preferred: number;
    readonly maximumPayload: number;
  };
  /** Names of the selected metadata contexts. */
  readonly contexts: readonly string[];
  readonly replyForm: ReplyForm;
}

export interface RequestOptions {
  /** If it is aborted, the promise rejects with its reason. The server still executes a request that was
   *  sent. */
  readonly signal?: SignalLike;
}

export interface ReadOptions extends RequestOptions {
  /** The server must not cut the answer. @default false */
  readonly dontFragment?: boolean;
}

export interface ChangeOptions extends RequestOptions {
  /** Resolves when the change is durable. @default false */
  readonly fua?: boolean;
}

export interface ZeroesOptions extends ChangeOptions {
  /** The range stays allocated. @default false */
  readonly noHole?: boolean;
  /** Fails with ENOTSUP where it would be no faster than a write. @default false */
  readonly fast?: boolean;
}

export interface StatusOptions extends RequestOptions {
  /** Only the first extent, and not beyond the range. @default false */
  readonly single?: boolean;
  /** Only these of the selected contexts. Needs extended headers, and a server that offers it.
   *  @default all that were selected */
  readonly contexts?: readonly string[];
}

/** Extents from the offset on, one behind the other, of each selected context by name. They may end before
 *  the range does, and the last one may continue behind it. */
export type BlockStatus = ReadonlyMap<string, readonly Required<Extent>[]>;
