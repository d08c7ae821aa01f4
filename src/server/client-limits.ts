/** The limits on clients that a user may set, and how long to wait for them awake: one row each, for the
 *  server, its flags and its docs. The other limits are in limits.ts.
 *  Source: docs/running.md, Limits on clients; nbd-protocol.md section 7 (slow-reader, idle-clients). */

import { GiB, MiB } from '../units.ts';
import { limits } from './limits.ts';

export interface ClientLimit {
  readonly flag: string;
  readonly unit: 'seconds' | 'microseconds' | 'bytes' | 'clients';
  readonly default: number;
  /** Or 0, if 0 has a meaning. */
  readonly min: number;
  readonly max: number;
  /** The meaning of 0. Undefined: it is below the smallest value. */
  readonly zero?: string;
  readonly help: string;
  readonly why: string;
}

/** A day: a longer time means never. */
const SECONDS_MAX = 86_400;

export const clientLimits = {
  handshakeTime: {
    ...{ flag: 'handshake-timeout', unit: 'seconds' },
    ...{ default: limits.handshakeTime.max / 1000, min: 1, max: SECONDS_MAX },
    help: 'clients that do not finish the handshake in this time are disconnected',
    why: limits.handshakeTime.why,
  },
  idleTime: {
    ...{ flag: 'idle-timeout', unit: 'seconds', zero: 'never' },
    ...{ default: 0, min: 1, max: SECONDS_MAX },
    help: 'clients with nothing in flight that send nothing for so long are disconnected',
    why: 'a mounted file system may be quiet for days',
  },
  stallTime: {
    ...{ flag: 'stall-timeout', unit: 'seconds', zero: 'never' },
    ...{ default: 120, min: 1, max: SECONDS_MAX },
    help: 'clients that stop in the middle of a request or a reply for so long are disconnected',
    why: 'half a request and a reply that is not taken hold memory',
  },
  connections: {
    ...{ flag: 'max-connections', unit: 'clients', zero: 'no limit' },
    ...{ default: 1000, min: 1, max: 1_000_000 },
    help: 'further clients are turned away',
    why: 'each has buffers of its own; the usual limit on open files is 1024',
  },
  connectionsPerAddress: {
    ...{ flag: 'max-connections-per-address', unit: 'clients', zero: 'no limit' },
    ...{ default: 500, min: 1, max: 1_000_000 },
    help: 'the same for one address (of IPv6: one /64); unix clients have none',
    why: 'one machine must not shut out all others',
  },
  payload: {
    ...{ flag: 'max-payload', unit: 'bytes' },
    ...{ default: 64 * MiB, min: MiB, max: 64 * MiB },
    help: 'a longer READ or WRITE is refused; the connection goes on',
    why: 'what the kernel and libnbd send at most',
  },
  inFlight: {
    ...{ flag: 'max-in-flight', unit: 'bytes' },
    ...{ default: 128 * MiB, min: MiB, max: 4 * GiB },
    help: 'data of one client in flight: with more, its next request has to wait',
    why: 'one longest payload, and as much again behind it',
  },
  inFlightTotal: {
    ...{ flag: 'max-in-flight-total', unit: 'bytes', zero: 'no limit' },
    ...{ default: GiB, min: 256 * MiB, max: 1024 * GiB },
    help: 'data of all clients in flight: with more, each client has an even share of a third of it',
    why: 'many clients that are each within their own limit must not fill the memory together',
  },
  busyPoll: {
    ...{ flag: 'busy-poll', unit: 'microseconds', zero: 'never' },
    ...{ default: 100, min: 1, max: 10_000 },
    help: 'after traffic the sockets are polled for up to so long before sleeping',
    why: 'a wake-up takes longer than a request; polling stops by itself when it does not pay',
  },
} as const satisfies Record<string, ClientLimit>;

export type LimitName = keyof typeof clientLimits;
/** In the units of the rows; 0: no limit. */
export type ClientLimits = { readonly [K in LimitName]: number };

export const limitNames = Object.keys(clientLimits) as LimitName[]; // a table of ours: it has no other keys

/** `given`, completed by the defaults. */
export function withDefaults(given: Partial<ClientLimits> = {}): ClientLimits {
  const all = limitNames.map((name) => [name, given[name] ?? clientLimits[name].default]);
  return Object.fromEntries(all) as ClientLimits; // one entry per name
}
