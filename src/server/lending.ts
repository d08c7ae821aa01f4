/** When a client may be lent to the thread that has its socket, which then executes its requests: as soon as
 *  that thread knows what was agreed on, and nothing of the client is here. */

import type { Agreed } from 'nbd-server-protocol-ts';
import { directOffer } from '../export/direct-offer.ts';
import type { NbdExport } from '../export/nbd-export.ts';
import type { ByteStream } from './byte-stream.ts';

/** The part of a client's requests that matters here. */
interface Lent {
  /** Nothing of the client is here, not even half a request. */
  readonly idle: boolean;
  readonly session: { readonly export: NbdExport };
}

export class Lending {
  /** The owner of the socket knows what was agreed on. */
  #offered = false;

  /** Tells the thread that has the socket, if any, by which rules it may execute requests. */
  offer(
    agreed: Agreed<NbdExport>,
    client: number,
    chunkMax: number,
    stream: ByteStream | undefined,
  ): void {
    const { shared } = agreed.export;
    if (shared === undefined || stream?.offer === undefined) return;
    stream.offer(directOffer(agreed, shared.id, client, chunkMax));
    this.#offered = true;
  }

  /** The client's replies have been sent. */
  lendIfIdle(requests: Lent, stream: ByteStream | undefined): void {
    if (!this.#offered || !requests.idle) return;
    if (requests.session.export.shared?.enabled === true) stream?.lend?.();
  }
}
