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

/** To lend a client and to have it back costs as much as the thread saves in so many batches. */
const BATCHES_LEAST = 4;
/** Of idle moments: some milliseconds of a busy client. */
const PAUSE_MAX = 63;

export class Lending {
  /** The owner of the socket knows what was agreed on. */
  #offered = false;
  /** Idle moments that pass before it is lent again: the more, the more often it came back at once, as it does while
   *  its writes meet what a snapshot shares. */
  #pause = 0;
  #left = 0;
  /** How many batches its thread had executed when we last asked. */
  #batches = 0;

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
    if (requests.session.export.shared?.enabled !== true || stream?.lend === undefined) return;
    this.#judgeLast(stream.batchesElsewhere ?? 0);
    if (this.#left > 0) this.#left--;
    else stream.lend();
  }

  /** How long the last loan went well, or not at all. */
  #judgeLast(batches: number): void {
    const done = (batches - this.#batches) >>> 0;
    this.#batches = batches;
    if (done === 0) return;
    this.#pause = done < BATCHES_LEAST ? Math.min(2 * this.#pause + 1, PAUSE_MAX) : 0;
    this.#left = this.#pause;
  }
}
