/** Clients that come and go, for the log and for whoever else wants to know. */

import type { ReplyForm } from 'nbd-server-protocol-ts';
import type { Log } from './log.ts';
import { type ServerFault, type ServerFaultCounts, serverFaults } from './server-faults.ts';

export interface ClientCame {
  /** Its number in the log. */
  readonly connection: number;
  /** Its number among the clients of the export, from 1 on. */
  readonly client: number;
  /** Its address. */
  readonly from: string | undefined;
  readonly export: string;
  readonly replies: ReplyForm;
  /** The names of metadata contexts. */
  readonly contexts: readonly string[];
  readonly secure: boolean;
}

/** Hears of clients that have agreed on an export. */
export interface ClientWatch {
  came(client: ClientCame): void;
  left(end: End): void;
}

/** A client has agreed on an export. */
export function tellCome(
  to: { readonly log: Log; readonly clients?: ClientWatch | undefined },
  came: ClientCame,
): void {
  const { client: _, ...facts } = came;
  to.log.info(facts, 'a client has come');
  to.clients?.came(came);
}

/** How a connection ended. */
export interface End {
  readonly connection: number;
  /** Its number among the clients of the export. Undefined: as for `export`. */
  readonly client?: number | undefined;
  /** Its address. */
  readonly from?: string | undefined;
  /** The export that it used. Undefined: the handshake did not end well. */
  readonly export?: string | undefined;
  /** Why we cut it off. Undefined: we did not. */
  readonly cutOff: string | undefined;
  /** The error of its socket. */
  readonly reason: string | undefined;
  readonly fault: ServerFault | undefined;
}

interface Told {
  readonly log: Log;
  readonly serverFaults: ServerFaultCounts;
  /** Told about a lack of descriptors, which all later clients meet. */
  readonly acceptFaults: { noDescriptor(reason: string): void };
  readonly clients?: ClientWatch | undefined;
}

/** A client that was served is logged at its end as at its arrival; one that only probed is not. */
export function tellEnd(to: Told, end: End): void {
  const { cutOff, reason, fault, client: number, ...client } = end;
  if (number !== undefined) to.clients?.left(end);
  const facts = { ...client, reason: cutOff ?? reason ?? 'client' };
  if (cutOff !== undefined) return to.log.warn(facts, 'disconnected');
  if (fault === undefined) {
    if (client.export === undefined) return to.log.debug(facts, 'disconnected');
    return to.log.info(facts, 'disconnected');
  }
  to.serverFaults.add(fault);
  if (fault === 'descriptors') return to.acceptFaults.noDescriptor(facts.reason);
  to.log.error(
    { ...facts, fault },
    `a client was disconnected through no fault of its own: ${serverFaults[fault]}`,
  );
}
