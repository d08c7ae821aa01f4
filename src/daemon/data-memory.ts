/** The limit on the memory of all data: what the user says, or what the machine can give, less a reserve.
 *  Source: parameter --memory-limit; docs/running.md, When memory is full. */

import { getHeapStatistics } from 'node:v8';
import { DataMemory } from '../pages/memory.ts';
import { SLAB_BYTES } from '../pages/slab.ts';
import { type ClientLimits, clientLimits } from '../server/client-limits.ts';
import type { Log } from '../server/log.ts';
import { systemClock } from '../time/clock.ts';
import { type Bytes, bytes, GiB, MiB } from '../units.ts';
import { type MachineMemory, machineMemory } from './machine-memory.ts';

/** For the process itself, measured with 200 clients: program, heap and their buffers. */
const PROGRAM_BYTES = 128 * MiB;
/** For replies on their way, which may go beyond the limit, and for the system. */
const RESERVED_SHARE = 1 / 8;
/** Data get at least this share of the memory. */
const DATA_SHARE_MIN = 1 / 2;
/** The same of address space. Node needs it for what it loads late, and ends the process without it: seen on
 *  Node 26 with two threads and 95 MiB left. */
const ADDRESS_SHARE_MIN = 1 / 4;
/** The default share of data in flight. */
const IN_FLIGHT_SHARE = 1 / 16;
/** One message in this time at most: near the limit memory fills up again and again. */
const SAID_NS = 60e9;
/** The share of the heap for slabs and tables. */
const HEAP_SHARE = 0.7;

/** The default limit for all data. @param shareMin data get at least this share. */
export function defaultLimit(available: number, shareMin = DATA_SHARE_MIN): Bytes {
  const reserve = PROGRAM_BYTES + available * RESERVED_SHARE;
  return bytes(Math.floor(Math.max(available - reserve, available * shareMin)));
}

function slabsIn(addressBytes: number): number {
  return Math.floor(defaultLimit(Math.min(addressBytes, 2 ** 47), ADDRESS_SHARE_MIN) / SLAB_BYTES);
}

/** `given`, with what follows from the machine: `--max-in-flight-total`. */
export function limitsFor(
  given: Partial<ClientLimits> | undefined,
  { bytes: available }: MachineMemory = machineMemory(),
): Partial<ClientLimits> {
  const { min, default: most } = clientLimits.inFlightTotal;
  const inFlightTotal = Math.floor(Math.min(most, Math.max(min, available * IN_FLIGHT_SHARE)));
  return { inFlightTotal, ...given };
}

/** @param given in bytes; 0: no limit; undefined: the machine's memory decides. */
export function makeDataMemory(
  given: number | undefined,
  log: Log,
  machine: MachineMemory = machineMemory(),
): DataMemory {
  const limit = given ?? defaultLimit(machine.bytes);
  const from = given === undefined ? `of ${shown(machine.bytes)}, ${machine.of}` : '--memory-limit';
  let said = Number.NEGATIVE_INFINITY;
  const memory: DataMemory = new DataMemory({
    limit: limit === 0 ? undefined : bytes(limit),
    slabsMax: slabsIn(machine.addressBytes),
    heapMax: bytes(Math.floor(getHeapStatistics().heap_size_limit * HEAP_SHARE)),
    full: () => {
      const now = systemClock.now();
      if (now < said + SAID_NS) return;
      said = now;
      const used = `${shown(memory.usedBytes)} are in use`;
      const of = limit === 0 ? used : `${used}, the limit is ${shown(limit)} (${from})`;
      log.warn({}, `memory is full: writes fail with ENOSPC; ${of}`);
    },
  });
  const what = limit === 0 ? 'no limit' : shown(limit);
  log.debug({}, `memory for data: ${what} (${from})`);
  return memory;
}

function shown(size: number): string {
  return size >= GiB ? `${(size / GiB).toFixed(1)} GiB` : `${Math.floor(size / MiB)} MiB`;
}
