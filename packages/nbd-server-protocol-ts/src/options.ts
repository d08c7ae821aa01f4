/** The options of the handshake: one row for each known option; all others are UNSUP. Whatever the answer, an
 *  option's data have been consumed. Source: nbd-protocol.md sections 2.1 to 2.9 and 5. */

import { InfoType, Option, OptionReply } from './constants.ts';
import {
  chosenContexts,
  encodeMetaContext,
  listedContexts,
  parseContextRequest,
} from './contexts.ts';
import type { Haggling } from './haggling.ts';
import { type ExportInfo, extraInfo, infoExport, quoted } from './info.ts';
import { handshakeLimits as limits } from './limits.ts';
import { listReplies } from './list-replies.ts';
import { parseInfoRequest, parseName } from './option.ts';

const { ACK, INFO, META_CONTEXT } = OptionReply;
const { ERR_UNSUP, ERR_POLICY, ERR_INVALID, ERR_TLS_REQD, ERR_UNKNOWN } = OptionReply;
const { ERR_SHUTDOWN, ERR_TOO_BIG, ERR_EXT_HEADER_REQD } = OptionReply;

interface OptionRow {
  readonly name: string;
  readonly serve: <E extends ExportInfo>(to: Haggling<E>, data: Uint8Array) => void;
  /** It has data; for all other options data are a mistake. */
  readonly data: boolean;
  /** Also before TLS where TLS is required. */
  readonly beforeTls?: true;
  /** Also while the server shuts down. */
  readonly always?: true;
  /** The contexts that were selected before are forgotten, also when it fails. */
  readonly forgetsContexts?: true;
  /** Of a server that can do it. */
  readonly offered?: <E extends ExportInfo>(to: Haggling<E>) => boolean;
}

/** Contexts are told in chunks: without them there is nothing to select. */
const withContexts = <E extends ExportInfo>({ host, options }: Haggling<E>): boolean =>
  host.contexts !== undefined && (options.structuredReplies || options.extendedHeaders);

/** EXPORT_NAME is none of them: it has no option reply and cannot be refused. */
export const optionRows: ReadonlyMap<number, OptionRow> = new Map<number, OptionRow>([
  [Option.ABORT, { name: 'ABORT', serve: abort, data: true, beforeTls: true, always: true }],
  [Option.LIST, { name: 'LIST', serve: list, data: false }],
  [Option.STARTTLS, { name: 'STARTTLS', serve: startTls, data: false, beforeTls: true }],
  [Option.INFO, { name: 'INFO', serve: (to, data) => info(to, Option.INFO, data), data: true }],
  [Option.GO, { name: 'GO', serve: (to, data) => info(to, Option.GO, data), data: true }],
  [
    Option.STRUCTURED_REPLY,
    {
      name: 'STRUCTURED_REPLY',
      serve: structuredReply,
      data: false,
      offered: (to) => to.options.structuredReplies,
    },
  ],
  [
    Option.LIST_META_CONTEXT,
    { name: 'LIST_META_CONTEXT', serve: listContexts, data: true, offered: withContexts },
  ],
  [
    Option.SET_META_CONTEXT,
    {
      name: 'SET_META_CONTEXT',
      serve: setContexts,
      data: true,
      forgetsContexts: true,
      offered: withContexts,
    },
  ],
  [
    Option.EXTENDED_HEADERS,
    {
      name: 'EXTENDED_HEADERS',
      serve: extendedHeaders,
      data: false,
      offered: (to) => to.options.extendedHeaders,
    },
  ],
]);

/** Answers one option.
 *  @param data undefined: they were too long, and were dropped. */
export function answerOption<E extends ExportInfo>(
  to: Haggling<E>,
  option: number,
  data: Uint8Array | undefined,
): void {
  if (option === Option.EXPORT_NAME) return exportName(to, data);
  if (!to.fixedNewstyle) {
    return to.close('an option of a client that cannot have learnt of options');
  }
  const row = optionRows.get(option);
  if (to.options.tls === 'require' && !to.secure && row?.beforeTls !== true) {
    return to.refuse(option, ERR_TLS_REQD, 'this server needs TLS: STARTTLS first');
  }
  if (row?.always !== true && to.host.shuttingDown()) {
    return to.refuse(option, ERR_SHUTDOWN, 'the server is shutting down');
  }
  if (row === undefined || row.offered?.(to) === false) {
    return to.refuse(option, ERR_UNSUP, 'the option is not supported');
  }
  if (row.forgetsContexts === true) to.forgetContexts();
  if (data === undefined && row.serve !== abort) {
    return to.refuse(option, ERR_TOO_BIG, 'the option is too long');
  }
  if (data !== undefined && data.length > 0 && !row.data) {
    return to.refuse(option, ERR_INVALID, `${row.name} has no data`);
  }
  if (row.serve === abort && data?.length !== 0) to.options.onFault('abort-with-data');
  row.serve(to, data ?? new Uint8Array(0));
}

/** Success has no option reply, and failure has no reply at all. */
function exportName<E extends ExportInfo>(to: Haggling<E>, data: Uint8Array | undefined): void {
  const name = data === undefined ? undefined : parseName(data);
  if (name === undefined) return to.close('EXPORT_NAME with a malformed name');
  if (to.extendedHeaders) return to.close('EXPORT_NAME after EXTENDED_HEADERS');
  if (to.options.tls === 'require' && !to.secure) return to.close('EXPORT_NAME without TLS');
  const found = to.host.find(name);
  if (found !== undefined && to.hidden(found)) return to.close('EXPORT_NAME without TLS');
  if (found === undefined || to.host.shuttingDown()) {
    return to.close('EXPORT_NAME with an export that is not there');
  }
  const view = new DataView(new ArrayBuffer(to.noZeroes ? 10 : 134));
  view.setBigUint64(0, BigInt(found.size));
  view.setUint16(8, to.flagsOf(found));
  to.send(new Uint8Array(view.buffer));
  to.agree(found, false);
}

function abort<E extends ExportInfo>(to: Haggling<E>): void {
  to.reply(Option.ABORT, ACK);
  to.close('the client aborted the handshake', true);
}

function list<E extends ExportInfo>(to: Haggling<E>): void {
  for (const some of listReplies(visible(to))) {
    to.send(some);
    if (to.end !== undefined) return;
  }
  to.reply(Option.LIST, ACK);
}

function* visible<E extends ExportInfo>(to: Haggling<E>): Generator<E> {
  for (const one of to.host.list()) if (!to.hidden(one)) yield one;
}

/** The ACK is the last byte in plaintext. */
function startTls<E extends ExportInfo>(to: Haggling<E>): void {
  if (to.secure) return to.refuse(Option.STARTTLS, ERR_INVALID, 'TLS is already on');
  if (to.options.tls === 'off') {
    return to.refuse(Option.STARTTLS, ERR_POLICY, 'this server does not use TLS');
  }
  to.reply(Option.STARTTLS, ACK);
  to.end ??= { state: 'starttls' };
}

function structuredReply<E extends ExportInfo>(to: Haggling<E>): void {
  const option = Option.STRUCTURED_REPLY;
  if (to.extendedHeaders) {
    return to.refuse(option, ERR_EXT_HEADER_REQD, 'extended headers imply structured replies');
  }
  if (to.structuredReplies) return to.refuse(option, ERR_INVALID, 'already agreed');
  to.structuredReplies = true;
  to.reply(option, ACK);
}

function extendedHeaders<E extends ExportInfo>(to: Haggling<E>): void {
  const option = Option.EXTENDED_HEADERS;
  if (to.extendedHeaders) return to.refuse(option, ERR_INVALID, 'already agreed');
  to.extendedHeaders = true;
  to.structuredReplies = true;
  to.reply(option, ACK);
}

function info<E extends ExportInfo>(to: Haggling<E>, option: number, data: Uint8Array): void {
  const request = parseInfoRequest(data);
  if (request === undefined) return to.refuse(option, ERR_INVALID, 'the option is malformed');
  const found = to.host.find(request.name);
  if (found !== undefined && to.hidden(found) && to.options.tls !== 'off') {
    return to.refuse(option, ERR_TLS_REQD, 'this export needs TLS: STARTTLS first');
  }
  if (found === undefined || to.hidden(found)) {
    return to.refuse(option, ERR_UNKNOWN, `there is no export '${quoted(request.name)}'`);
  }
  const asked = new Set(request.types);
  if (asked.size < request.types.length) to.options.onFault('repeated-info-request');
  to.reply(option, INFO, infoExport(found, to.flagsOf(found)));
  for (const type of asked) {
    const extra = extraInfo(type, found);
    if (extra !== undefined) to.reply(option, INFO, extra);
  }
  to.reply(option, ACK);
  if (option === Option.GO && to.end === undefined) {
    to.agree(found, request.types.includes(InfoType.BLOCK_SIZE));
  }
}

/** Before structured replies it works as after them: it selects nothing. */
function listContexts<E extends ExportInfo>(to: Haggling<E>, data: Uint8Array): void {
  const option = Option.LIST_META_CONTEXT;
  const asked = askedContexts(to, option, data);
  if (asked === undefined) return;
  if (!to.structuredReplies) to.options.onFault('context-list-too-early');
  for (const name of listedContexts(to.contexts(asked.found), asked.queries)) {
    to.reply(option, META_CONTEXT, encodeMetaContext(0, name));
  }
  to.reply(option, ACK);
}

function setContexts<E extends ExportInfo>(to: Haggling<E>, data: Uint8Array): void {
  const option = Option.SET_META_CONTEXT;
  if (!to.structuredReplies) {
    return to.refuse(option, ERR_INVALID, 'agree on structured replies first');
  }
  const asked = askedContexts(to, option, data);
  if (asked === undefined) return;
  const names = chosenContexts(to.contexts(asked.found), asked.queries);
  for (const { id, name } of to.select(asked.found, names)) {
    to.reply(option, META_CONTEXT, encodeMetaContext(id, name));
  }
  to.reply(option, ACK);
}

/** The export and the queries, or undefined after the option was refused. */
function askedContexts<E extends ExportInfo>(
  to: Haggling<E>,
  option: number,
  data: Uint8Array,
): { readonly found: E; readonly queries: readonly string[] } | undefined {
  const request = parseContextRequest(data);
  if (request === undefined) {
    to.refuse(option, ERR_INVALID, 'the option is malformed');
    return undefined;
  }
  if (request.queries.length > limits.contextQueries.max) {
    to.refuse(option, ERR_TOO_BIG, `at most ${limits.contextQueries.max} queries`);
    return undefined;
  }
  const found = to.visible(request.exportName);
  if (found === undefined) {
    to.refuse(option, ERR_UNKNOWN, `there is no export '${quoted(request.exportName)}'`);
    return undefined;
  }
  if (request.queries.some((query) => !query.includes(':'))) {
    to.options.onFault('context-without-namespace');
  }
  return { found, queries: request.queries };
}
