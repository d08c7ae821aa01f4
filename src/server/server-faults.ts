/** Ends of connections that no client caused. None should ever happen: each is counted, and logged as an
 *  error. Mistakes of clients are in client-faults.ts. */

import { Counts } from './counts.ts';

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

export class ServerFaultCounts extends Counts<ServerFault> {
  constructor() {
    super(serverFaultNames);
  }
}
