/** What was agreed on with a client, as far as READ and WRITE are concerned, for whoever has its socket and
 *  may execute them. Plain data: it goes to another thread. */

import type { Agreed, ReplyForm } from 'nbd-server-protocol-ts';
import type { NbdExport } from './nbd-export.ts';
import type { Bounds, Terms } from './rules.ts';

export interface DirectOffer {
  /** Which shared device. */
  readonly device: number;
  readonly replyForm: ReplyForm;
  readonly terms: Terms;
  readonly bounds: Bounds;
  /** Bytes: reads above it may be sent in several chunks. */
  readonly chunkMax: number;
}

/** @param device the number of the shared device that is exported. */
export function directOffer(
  { export: of, replyForm, flags, extendedHeaders, blockSizeNegotiated }: Agreed<NbdExport>,
  device: number,
  chunkMax: number,
): DirectOffer {
  const { size, writeAlignment, alignment, blockSize, payloadMax, blockBytes } = of;
  return {
    ...{ device, replyForm, chunkMax },
    terms: { flags, extendedHeaders, blockSizeNegotiated, contexts: [] },
    bounds: {
      ...{ size, writeAlignment, alignment, blockSize, payloadMax, blockBytes },
      volatile: of.volatile,
    },
  };
}
