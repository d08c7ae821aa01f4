/** What was agreed on with a client about READ and WRITE, for the owner of its socket that may execute them.
 *  Plain data: it goes to another thread. */

import type { Agreed, ReplyForm } from 'nbd-server-protocol-ts';
import type { NbdExport } from './nbd-export.ts';
import type { Bounds, Terms } from './rules.ts';

export interface DirectOffer {
  /** The number of the shared device. */
  readonly device: number;
  /** The client's number, as rules count them. */
  readonly client: number;
  readonly replyForm: ReplyForm;
  readonly terms: Terms;
  readonly bounds: Bounds;
  /** Bytes: longer reads may be sent in several chunks. */
  readonly chunkMax: number;
}

/** @param device the number of the shared device that is exported. @param client of the client. */
export function directOffer(
  { export: of, replyForm, flags, extendedHeaders, blockSizeNegotiated }: Agreed<NbdExport>,
  device: number,
  client: number,
  chunkMax: number,
): DirectOffer {
  const { size, writeAlignment, alignment, blockSize, payloadMax, blockBytes } = of;
  return {
    ...{ device, client, replyForm, chunkMax },
    terms: { flags, extendedHeaders, blockSizeNegotiated, contexts: [] },
    bounds: {
      ...{ size, writeAlignment, alignment, blockSize, payloadMax, blockBytes },
      volatile: of.volatile,
    },
  };
}
