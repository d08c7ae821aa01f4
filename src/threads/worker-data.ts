/** What the main thread tells a thread for sockets: when it begins, and later. */

import type { LogMemory } from '../direct/log-rings.ts';
import type { DeviceMemory } from '../direct/memory.ts';
import type { DirectOffer } from '../export/direct-offer.ts';
import type { TlsFiles } from '../server/tls-credentials.ts';
import { LINE_WORDS } from '../units.ts';
import type { SlotMemory } from './slot.ts';

export interface WorkerData {
  readonly index: number;
  /** How many there are. */
  readonly threads: number;
  /** Where it finds us, to be given sockets. */
  readonly path: string;
  /** Words of all threads that say whether they sleep. */
  readonly bells: SharedArrayBuffer;
  /** Rings of events. */
  readonly toMain: SharedArrayBuffer;
  readonly toWorker: SharedArrayBuffer;
  /** Of `FaultCounts`. */
  readonly faults: SharedArrayBuffer;
  /** Of `Traffic`. */
  readonly traffic: SharedArrayBuffer;
  readonly busyPollNs: number;
  /** There are fewer cores than who could use them. */
  readonly crowded: boolean;
  /** Undefined: there is no TLS. Read anew: what OpenSSL makes of files cannot be sent. */
  readonly tls: TlsFiles | undefined;
}

/** Something to be known, before it is used; undefined: wake up. */
export type ToThread =
  | { readonly what: 'slot'; readonly id: number; readonly memory: SlotMemory }
  | { readonly what: 'slots gone'; readonly ids: readonly number[] }
  | { readonly what: 'arena'; readonly id: number; readonly memory: SharedArrayBuffer }
  | { readonly what: 'arenas gone'; readonly arenas: readonly number[] }
  | { readonly what: 'collect' }
  | { readonly what: 'device'; readonly memory: DeviceMemory }
  | { readonly what: 'log'; readonly device: number; readonly memory: LogMemory }
  | { readonly what: 'device gone'; readonly id: number }
  | { readonly what: 'offer'; readonly slot: number; readonly offer: DirectOffer }
  | undefined;

/** Words of the bells, in lines of their own. */
export const Bell = {
  MAIN: 0,
  /** 1: threads have noted commands for a request log that the main thread should look at. */
  LOG: 1,
  ofThread: (index: number): number => (index + 1) * LINE_WORDS,
  bytesFor: (threads: number): number => 4 * (threads + 1) * LINE_WORDS,
} as const;
