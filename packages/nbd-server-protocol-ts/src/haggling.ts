/** What client and server have said so far in one handshake, and what of it is in force. The rules of the
 *  options are in options.ts, the framing of bytes in handshake.ts.
 *  Source: nbd-protocol.md sections 2, 2.4, 2.6 and 5. */

import type { OnClientFault } from './client-faults.ts';
import { ClientFlag, TransmissionFlag } from './constants.ts';
import type { OfferedContext } from './contexts.ts';
import type { ExportInfo } from './info.ts';
import { handshakeLimits as limits } from './limits.ts';
import { encodeOptionReply } from './option.ts';
import type { ReplyForm } from './reply-encoder.ts';
import type { SelectedContext } from './status-payload.ts';
import { encodeUtf8 } from './text.ts';

/** off: STARTTLS is refused. on: only exports with `tlsOnly` need it. require: everything needs it. */
export type TlsMode = 'off' | 'on' | 'require';

/** What a server can do. It must not change during a connection. */
export interface HandshakeOptions {
  /** @default 'off' */
  readonly tls?: TlsMode;
  /** Structured replies are agreed on if the client wishes. Without them and extended headers there are no
   *  metadata contexts either. @default true */
  readonly structuredReplies?: boolean;
  /** Extended headers are agreed on if the client wishes. @default false */
  readonly extendedHeaders?: boolean;
  /** Called for each rule that the client breaks while it is still served. */
  readonly onFault?: OnClientFault;
}

/** What the handshake needs from its server. */
export interface HandshakeHost<E extends ExportInfo> {
  list(): Iterable<E>;
  /** '' is the default export. */
  find(name: string): E | undefined;
  shuttingDown(): boolean;
  /** The contexts of an export, in the order of a list. Without this function LIST_META_CONTEXT and
   *  SET_META_CONTEXT are not supported. */
  contexts?(of: E): Iterable<OfferedContext>;
}

/** What both sides must follow in transmission. */
export interface Agreed<E extends ExportInfo> {
  readonly export: E;
  /** As they were sent. */
  readonly flags: number;
  /** The form of all replies: what a `ReplyEncoder` is made for. */
  readonly replyForm: ReplyForm;
  /** Also true with extended headers. */
  readonly structuredReplies: boolean;
  /** Requests have the extended form: `decodeExtendedRequest`. */
  readonly extendedHeaders: boolean;
  /** The selected metadata contexts of this export. */
  readonly contexts: readonly SelectedContext[];
  readonly noZeroes: boolean;
  /** The client asked for the block sizes in GO, and so promised to keep to them. */
  readonly blockSizeNegotiated: boolean;
  /** The connection is encrypted. */
  readonly secure: boolean;
}

/** How a handshake ends. */
export type HandshakeEnd<E extends ExportInfo> =
  | { readonly state: 'transmission'; readonly agreed: Agreed<E> }
  | { readonly state: 'starttls' }
  | {
      readonly state: 'closed';
      readonly reason: string;
      /** The client asked for it. */
      readonly orderly: boolean;
    };

const NO_DATA = new Uint8Array(0);

export class Haggling<E extends ExportInfo> {
  readonly host: HandshakeHost<E>;
  readonly options: Required<HandshakeOptions>;
  /** The connection is encrypted. */
  readonly secure: boolean;
  clientFlags = 0;
  structuredReplies = false;
  extendedHeaders = false;
  end: HandshakeEnd<E> | undefined;
  #selection: { readonly of: string; readonly contexts: readonly SelectedContext[] } | undefined;
  /** Ids are not used again, so that none can be confused with one of an earlier selection. */
  #lastId = 0;
  #output: Uint8Array[] = [];
  #outputBytes = 0;

  constructor(host: HandshakeHost<E>, options: HandshakeOptions, secure: boolean) {
    this.host = host;
    const onFault = (): void => {};
    const usual = { tls: 'off', structuredReplies: true, extendedHeaders: false, onFault } as const;
    this.options = { ...usual, ...options };
    this.secure = secure;
  }

  get fixedNewstyle(): boolean {
    return (this.clientFlags & ClientFlag.FIXED_NEWSTYLE) !== 0;
  }

  get noZeroes(): boolean {
    return (this.clientFlags & ClientFlag.NO_ZEROES) !== 0;
  }

  /** True when it is hidden from clients without TLS, and this is one. */
  hidden(found: E): boolean {
    return found.tlsOnly === true && !this.secure;
  }

  /** The export of that name, unless it is hidden. */
  visible(name: string): E | undefined {
    const found = this.host.find(name);
    return found === undefined || this.hidden(found) ? undefined : found;
  }

  /** The names of the contexts that can be had as things stand. */
  contexts(of: E): readonly string[] {
    const names = new Set<string>();
    for (const { name, needs64Bits } of this.host.contexts?.(of) ?? []) {
      if (this.extendedHeaders || !needs64Bits) names.add(name);
    }
    return [...names];
  }

  forgetContexts(): void {
    this.#selection = undefined;
  }

  select(of: E, names: readonly string[]): readonly SelectedContext[] {
    const contexts = names.map((name) => ({ id: ++this.#lastId, name }));
    this.#selection = { of: of.name, contexts };
    return contexts;
  }

  /** What was selected, as far as it is this export's and still offered. */
  selected(of: E): readonly SelectedContext[] {
    if (this.#selection?.of !== of.name) return [];
    const offered = this.contexts(of);
    return this.#selection.contexts.filter(({ name }) => offered.includes(name));
  }

  /** The export's flags, without those that mean nothing after what was agreed so far. */
  flagsOf(of: E): number {
    let flags = of.flags | TransmissionFlag.HAS_FLAGS;
    if (!this.structuredReplies) flags &= ~TransmissionFlag.SEND_DF;
    if ((flags & TransmissionFlag.SEND_WRITE_ZEROES) === 0) {
      flags &= ~TransmissionFlag.SEND_FAST_ZERO;
    }
    if (!this.extendedHeaders || this.selected(of).length === 0) {
      flags &= ~TransmissionFlag.BLOCK_STATUS_PAYLOAD;
    }
    return flags;
  }

  agree(on: E, blockSizeNegotiated: boolean): void {
    const chunks = this.structuredReplies ? 'structured' : 'simple';
    this.end = {
      state: 'transmission',
      agreed: {
        export: on,
        flags: this.flagsOf(on),
        replyForm: this.extendedHeaders ? 'extended' : chunks,
        structuredReplies: this.structuredReplies,
        extendedHeaders: this.extendedHeaders,
        contexts: this.selected(on),
        noZeroes: this.noZeroes,
        blockSizeNegotiated,
        secure: this.secure,
      },
    };
  }

  close(reason: string, orderly = false): void {
    this.end = { state: 'closed', reason, orderly };
  }

  reply(option: number, type: number, data: Uint8Array = NO_DATA): void {
    this.send(encodeOptionReply(option, type, data));
  }

  refuse(option: number, type: number, text: string): void {
    this.reply(option, type, encodeUtf8(text));
  }

  send(bytes: Uint8Array): void {
    if (this.end !== undefined) return;
    this.#outputBytes += bytes.length;
    if (this.#outputBytes > limits.outputBytes.max) return this.close('too many answers');
    this.#output.push(bytes);
  }

  /** Everything that was not taken yet. */
  takeOutput(): readonly Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}
