/** The NBD protocol without I/O. */

export * from './constants.ts';
export * from './errors.ts';
export * from './handshake.ts';
export type { ExportInfo } from './info.ts';
export * from './limits.ts';
export * from './option.ts';
export * from './reply.ts';
export * from './request.ts';
export * from './uri.ts';
