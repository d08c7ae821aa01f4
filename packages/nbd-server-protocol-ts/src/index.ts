/** The NBD protocol without I/O: both halves of the handshake, requests, replies and URIs. */

export { ClientConnection } from './client-connection.ts';
export {
  type ClientFault,
  clientFaultNames,
  clientFaults,
  type OnClientFault,
} from './client-faults.ts';
export { ClientHandshake, type ClientProgress } from './client-handshake.ts';
export type * from './client-options.ts';
export * from './constants.ts';
export {
  type ContextRequest,
  encodeContextRequest,
  encodeMetaContext,
  type OfferedContext,
  parseContextRequest,
  parseMetaContext,
} from './contexts.ts';
export {
  NbdError,
  type NbdErrorCode,
  type NbdErrorNumber,
  NbdProtocolError,
  type NbdProtocolErrorCode,
  nbdErrorName,
  nbdErrorNumbers,
} from './errors.ts';
export type { ExportDescription, ListedExport } from './export-description.ts';
export type { Extent } from './extents.ts';
export type {
  Agreed,
  HandshakeEnd,
  HandshakeHost,
  HandshakeOptions,
  TlsMode,
} from './haggling.ts';
export * from './handshake.ts';
export type { ExportInfo } from './info.ts';
export * from './limits.ts';
export type { ClientAgreed, ClientEnd, ClientWishes } from './negotiation.ts';
export * from './option.ts';
export type { Send } from './outgoing.ts';
export {
  CHUNK_BYTES,
  EXTENDED_CHUNK_BYTES,
  encodeChunk,
  encodeErrorChunk,
  encodeExtendedChunk,
  encodeOffsetData,
  encodeSimpleReply,
  OFFSET_DATA_BYTES,
  SIMPLE_REPLY_BYTES,
} from './reply.ts';
export { ReplyBytes } from './reply-bytes.ts';
export { ReplyDecoder, type ReplyHandler } from './reply-decoder.ts';
export { HOLE_MAX, ReplyEncoder, type ReplyForm } from './reply-encoder.ts';
export { decodeReply, ReplyHeader } from './reply-header.ts';
export * from './request.ts';
export { RequestDecoder, type RequestHandler } from './request-decoder.ts';
export { ServerConnection } from './server-connection.ts';
export * from './server-options.ts';
export * from './status-payload.ts';
export * from './uri.ts';
