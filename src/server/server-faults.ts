/** Ends of connections that no client caused. None should ever happen: each is counted, and logged as an
 *  error. Mistakes of clients are in client-faults.ts. */

import type { Log } from './log.ts';

/** What happened, under the name of its counter. */
export const serverFaults = {
  socket: 'its socket failed in a way that no client causes',
  handover: 'its socket could not be given to a thread',
  descriptors: 'no file descriptor was free for its thread',
  thread: 'the thread for its socket has died',
} as const;
export type ServerFault = keyof typeof serverFaults;

export const serverFaultNames = Object.keys(serverFaults) as ServerFault[]; // a table of ours: it has no other keys

/** The errors that a peer that leaves, or the network, causes on a socket. */
const peers = new Set([
  ...['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ECONNREFUSED', 'ENOTCONN', 'ESHUTDOWN', 'ETIMEDOUT'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENETRESET', 'EPROTO'],
  'ECANCELED', // what was under way when we closed it
]);

/** @returns undefined: the client or the network caused `error` of its socket. */
export function socketFault(error: Error): ServerFault | undefined {
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' && peers.has(code) ? undefined : 'socket';
}

export class ServerFaultCounts {
  readonly #counts = new Map<ServerFault, number>(serverFaultNames.map((name) => [name, 0]));

  add(fault: ServerFault): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
  }

  total(): ReadonlyMap<ServerFault, number> {
    return this.#counts;
  }
}

/** How a connection ended. */
export interface End {
  readonly connection: number;
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
}

/** A client that was served is logged at its end as at its arrival; one that only probed is not. */
export function tellEnd(to: Told, { cutOff, reason, fault, ...client }: End): void {
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
