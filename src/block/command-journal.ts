/** Who writes down what the clients of a disk do. Source: crash.md section 2. */

import type { Segments } from '../pages/segments.ts';
import type { Command } from './command.ts';

/** How the disk is offered to clients. */
export interface Offer {
  /** Clients are told of a volatile cache: they may flush. */
  readonly cache: boolean;
  readonly fua: boolean;
  /** A flush of one client holds for all. */
  readonly multiConnection: boolean;
}

/** No errnos: what success meant. */
export const LIED = -1;
export const UNDONE = -2;

export interface CommandJournal {
  /** Before any client. */
  offered(offer: Offer): void;
  /** A client has come. @returns its number. */
  connected(): number;
  disconnected(client: number): void;
  /** A command has come with all its data. @returns its number; 0: it is not written down, and need not be
   *  answered; -1: there is no room for it, and it must fail. */
  arrived(
    client: number,
    command: Command,
    flags: number,
    sector: number,
    sectors: number,
    data: Segments,
  ): number;
  /** The replies of some were handed to the socket together. @param ids `count` numbers, as above. @param errnos of each
   *  0: success. LIED: so it was told, but a flush made nothing durable, or FUA was ignored. UNDONE: and it was not done,
   *  or not as it was sent. */
  answered(client: number, ids: readonly number[], errnos: readonly number[], count: number): void;
}
