/** Rules that one client broke while it is still served: each is counted, and logged once. */

import { type ClientFault, clientFaults, type OnClientFault } from 'nbd-server-protocol-ts';
import type { FaultCounts } from './fault-counts.ts';
import type { Log } from './log.ts';

/** @param connection the number of the client's connection. */
export function faultTeller(counts: FaultCounts, log: Log, connection: number): OnClientFault {
  const said = new Set<ClientFault>();
  return (fault) => {
    counts.add(fault);
    if (said.has(fault)) return;
    said.add(fault);
    const { did, served } = clientFaults[fault];
    log.info({ connection, fault }, `the client ${did}: ${served}`);
  };
}
