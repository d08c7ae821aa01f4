/** The NBD protocol without I/O. */

export * from './constants.ts';
export * from './errors.ts';
export {
  type ContextRequest,
  encodeContextRequest,
  encodeMetaContext,
  type OfferedContext,
  parseContextRequest,
  parseMetaContext,
} from './contexts.ts';
export * from './handshake.ts';
export type {
  Agreed,
  HandshakeEnd,
  HandshakeHost,
  HandshakeOptions,
  TlsMode,
} from './haggling.ts';
export type { ExportInfo } from './info.ts';
export * from './limits.ts';
export * from './option.ts';
export * from './reply.ts';
export * from './reply-encoder.ts';
export { decodeReply, ReplyHeader } from './reply-header.ts';
export * from './request.ts';
export * from './status-payload.ts';
export * from './uri.ts';
