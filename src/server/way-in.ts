/** The settings of the way by which a client came. */

import type { HandshakeOptions, ReplyForm, TlsMode } from 'nbd-server-protocol-ts';

export interface WayIn {
  readonly tls: TlsMode;
  /** The highest form of the protocol that is offered. */
  readonly protocol: ReplyForm;
}

/** What is agreed on if the client wishes it. */
export function offered({ tls, protocol }: WayIn): HandshakeOptions {
  return {
    tls,
    extendedHeaders: protocol === 'extended',
    structuredReplies: protocol !== 'simple',
  };
}
