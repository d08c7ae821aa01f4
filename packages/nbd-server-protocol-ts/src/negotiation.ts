/** What a client asks for, in which order, and what it concludes from the answers: one generator that yields
 *  an option and receives all replies to it. Source: nbd-protocol.md sections 2 and 5. */

import { InfoType, Option, OptionReply } from './constants.ts';
import { encodeContextRequest, parseMetaContext } from './contexts.ts';
import {
  type ExportDescription,
  type ListedExport,
  optionReplyName,
  parseListed,
  takeInfo,
} from './export-description.ts';
import type { TlsMode } from './haggling.ts';
import { encodeInfoRequest } from './option.ts';
import type { ReplyForm } from './reply-encoder.ts';
import type { SelectedContext } from './status-payload.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';

/** What a client wants. */
export interface ClientWishes {
  /** transmission: GO, or EXPORT_NAME with a server that knows no GO. info: what the server says of the
   *  export, then ABORT. list: all exports. contexts: those that the export offers.
   *  @default 'transmission' */
  readonly goal?: 'transmission' | 'export-name' | 'info' | 'list' | 'contexts';
  /** @default '', the default export */
  readonly exportName?: string;
  /** on: if the server has it. require: fails without it. @default 'off' */
  readonly tls?: TlsMode;
  /** @default true */
  readonly extendedHeaders?: boolean;
  /** @default true */
  readonly structuredReplies?: boolean;
  /** Contexts to select; with the goal `contexts` queries, where none means all. @default none */
  readonly contexts?: readonly string[];
  /** Information to ask for beside size and flags. Asking for BLOCK_SIZE is a promise to respect it.
   *  @default BLOCK_SIZE and DESCRIPTION */
  readonly infos?: readonly number[];
}

/** What both sides must follow in transmission, as the client knows it. */
export interface ClientAgreed {
  readonly export: ExportDescription;
  /** What a `ReplyDecoder` is made for. */
  readonly replyForm: ReplyForm;
  /** Requests are encoded with `encodeExtendedRequest`. */
  readonly extendedHeaders: boolean;
  readonly contexts: readonly SelectedContext[];
}

export type ClientEnd =
  | { readonly state: 'transmission'; readonly agreed: ClientAgreed }
  /** The goal `info`, `list` or `contexts` is reached; ABORT is in the output. */
  | {
      readonly state: 'done';
      readonly export?: ExportDescription;
      readonly exports?: readonly ListedExport[];
      readonly contexts?: readonly string[];
    }
  | {
      readonly state: 'failed';
      readonly reason: string;
      /** The server refused an option: the protocol's name of its answer, such as ERR_UNKNOWN. */
      readonly refusal?: string;
    };

/** What is sent next. */
export interface OptionToSend {
  readonly option: number;
  readonly data: Uint8Array;
}

/** The replies to it. To EXPORT_NAME it is one, of 10 bytes, without a final one. */
export interface OptionAnswer {
  readonly replies: readonly { readonly type: number; readonly data: Uint8Array }[];
  /** ACK or an error. */
  readonly final: number;
  readonly text: Uint8Array;
}

export type Negotiation = Generator<OptionToSend, ClientEnd, OptionAnswer>;

const NO_DATA = new Uint8Array(0);
const SIMPLE: Terms = { extended: false, structured: false };

interface Terms {
  readonly extended: boolean;
  readonly structured: boolean;
}

/** @param fixedNewstyle whether the server knows more than EXPORT_NAME. */
export function* negotiate(wishes: ClientWishes, fixedNewstyle: boolean): Negotiation {
  const { goal = 'transmission', exportName = '' } = wishes;
  if (!fixedNewstyle) {
    const possible = goal === 'transmission' || goal === 'export-name';
    if (!possible || wishes.tls === 'require') {
      const reason = 'the server knows EXPORT_NAME only';
      return { state: 'failed', reason, refusal: optionReplyName(OptionReply.ERR_UNSUP) };
    }
    return yield* goByName(exportName, SIMPLE, []);
  }
  const secure = yield* startTls(wishes.tls ?? 'off');
  if (secure !== undefined) return secure;
  if (goal === 'list') return yield* list();
  const terms = yield* agreeOnTerms(wishes, goal);
  if (goal === 'contexts') return yield* listContexts(exportName, wishes.contexts ?? []);
  const contexts = terms.structured ? yield* select(exportName, wishes.contexts ?? []) : [];
  if (!Array.isArray(contexts)) return contexts;
  if (goal === 'export-name') return yield* goByName(exportName, terms, contexts);
  return yield* go(wishes, terms, contexts);
}

/** @returns how it failed; undefined = one may go on. */
function* startTls(tls: TlsMode): Generator<OptionToSend, ClientEnd | undefined, OptionAnswer> {
  if (tls === 'off') return undefined;
  const answer = yield { option: Option.STARTTLS, data: NO_DATA };
  if (answer.final === OptionReply.ACK || tls === 'on') return undefined;
  return refused('STARTTLS', answer);
}

/** The best form of headers and replies that is wished for and granted. */
function* agreeOnTerms(
  wishes: ClientWishes,
  goal: string,
): Generator<OptionToSend, Terms, OptionAnswer> {
  // After extended headers EXPORT_NAME is not allowed.
  if (wishes.extendedHeaders !== false && goal !== 'export-name') {
    const answer = yield { option: Option.EXTENDED_HEADERS, data: NO_DATA };
    if (answer.final === OptionReply.ACK) return { extended: true, structured: true };
  }
  if (wishes.structuredReplies === false) return SIMPLE;
  const answer = yield { option: Option.STRUCTURED_REPLY, data: NO_DATA };
  return { extended: false, structured: answer.final === OptionReply.ACK };
}

function* list(): Negotiation {
  const answer = yield { option: Option.LIST, data: NO_DATA };
  if (answer.final !== OptionReply.ACK) return refused('LIST', answer);
  const exports: ListedExport[] = [];
  for (const { type, data } of answer.replies) {
    const one = type === OptionReply.SERVER ? parseListed(data) : undefined;
    if (one === undefined) return failed('a malformed reply to LIST');
    exports.push(one);
  }
  return { state: 'done', exports };
}

function* listContexts(exportName: string, queries: readonly string[]): Negotiation {
  const data = encodeContextRequest({ exportName, queries });
  const answer = yield { option: Option.LIST_META_CONTEXT, data };
  if (answer.final !== OptionReply.ACK) return refused('LIST_META_CONTEXT', answer);
  const contexts = contextsOf(answer);
  if (contexts === undefined) return failed('a malformed reply to LIST_META_CONTEXT');
  return { state: 'done', contexts: contexts.map(({ name }) => name) };
}

/** A server that knows no contexts is treated as one that has none of these. */
function* select(
  exportName: string,
  queries: readonly string[],
): Generator<OptionToSend, SelectedContext[] | ClientEnd, OptionAnswer> {
  if (queries.length === 0) return [];
  const data = encodeContextRequest({ exportName, queries });
  const answer = yield { option: Option.SET_META_CONTEXT, data };
  if (answer.final !== OptionReply.ACK) return [];
  return contextsOf(answer) ?? failed('a malformed reply to SET_META_CONTEXT');
}

function* go(
  wishes: ClientWishes,
  terms: Terms,
  contexts: readonly SelectedContext[],
): Negotiation {
  const { goal, exportName: name = '' } = wishes;
  const types = wishes.infos ?? [InfoType.BLOCK_SIZE, InfoType.DESCRIPTION];
  const option = goal === 'info' ? Option.INFO : Option.GO;
  const answer = yield { option, data: encodeInfoRequest({ name, types }) };
  if (answer.final === OptionReply.ERR_UNSUP && option === Option.GO && !terms.extended) {
    return yield* goByName(name, terms, contexts);
  }
  if (answer.final !== OptionReply.ACK) return refused(goal === 'info' ? 'INFO' : 'GO', answer);
  const found: ExportDescription = { size: 0n, flags: 0 };
  for (const { type, data } of answer.replies) {
    if (type !== OptionReply.INFO || !takeInfo(data, found)) return failed('a malformed INFO');
  }
  if (found.flags === 0) return failed('the server told neither size nor flags');
  if (goal === 'info') return { state: 'done', export: found };
  return { state: 'transmission', agreed: agreed(found, terms, contexts) };
}

function* goByName(
  exportName: string,
  terms: Terms,
  contexts: readonly SelectedContext[],
): Negotiation {
  const answer = yield { option: Option.EXPORT_NAME, data: encodeUtf8(exportName) };
  const { text } = answer;
  const view = new DataView(text.buffer, text.byteOffset, text.byteLength);
  const found = { size: view.getBigUint64(0), flags: view.getUint16(8) };
  return { state: 'transmission', agreed: agreed(found, terms, contexts) };
}

function agreed(
  found: ExportDescription,
  terms: Terms,
  contexts: readonly SelectedContext[],
): ClientAgreed {
  const chunks = terms.structured ? 'structured' : 'simple';
  return {
    export: found,
    replyForm: terms.extended ? 'extended' : chunks,
    extendedHeaders: terms.extended,
    contexts,
  };
}

function contextsOf(answer: OptionAnswer): SelectedContext[] | undefined {
  const contexts: SelectedContext[] = [];
  for (const { type, data } of answer.replies) {
    const context = type === OptionReply.META_CONTEXT ? parseMetaContext(data) : undefined;
    if (context === undefined) return undefined;
    contexts.push(context);
  }
  return contexts;
}

function refused(option: string, answer: OptionAnswer): ClientEnd {
  const text = decodeUtf8(answer.text) ?? '';
  const why = text === '' ? '' : `: ${text}`;
  const refusal = optionReplyName(answer.final);
  const reason = `${option} was refused with ${refusal}${why}`;
  return { state: 'failed', reason, refusal };
}

function failed(reason: string): ClientEnd {
  return { state: 'failed', reason };
}
