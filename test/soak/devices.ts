/** The devices of a soak, and which part of which belongs to whom. */

import type { Kind } from '../fuzz/daemon.ts';
import { Shadow } from '../fuzz/honest.ts';

const KiB = 1024;
const MiB = 1 << 20;

interface SoakDevice extends Kind {
  /** Clients with a part of their own. */
  readonly clients: number;
  /** Bytes of each one's part; odd, so that neighbours share blocks. */
  readonly part: number;
  /** Its power is cut and its queues change under its clients. */
  readonly restless?: boolean;
  /** Foreign programs use it, one after the other. */
  readonly foreign?: boolean;
}

const oneQueue = { submit_queues: 1, poll_queues: 0 };
const memory = { ...oneQueue, size: 64, memory_backed: 1, discard: 1 };

function device(
  name: string,
  attributes: SoakDevice['attributes'],
  clients: number,
  rest: Partial<SoakDevice> = {},
): SoakDevice {
  return { name, attributes, honest: undefined, clients, part: 200 * KiB + 77, ...rest };
}

/** Queues that change while there is load: never above what they begin with. */
const queues = { submit_queues: 2, poll_queues: 1 };

/** 200 clients, besides those that foreign programs bring. */
export const devices: readonly SoakDevice[] = [
  device('plain', { ...memory, ...queues }, 60),
  device('bs4096', { ...memory, ...queues, blocksize: 4096 }, 30),
  device('cache', { ...memory, cache_size: 4 }, 20),
  device('timer', { ...memory, irqmode: 2, completion_nsec: 200_000 }, 20),
  device('narrow', { ...memory, ...queues, hw_queue_depth: 2, max_sectors: 64 }, 20),
  device('zoned', { ...oneQueue, size: 64, memory_backed: 1, zoned: 1, zone_size: 2 }, 20, {
    part: 2 * MiB,
  }),
  device('cycled', { ...memory, ...queues }, 30, { restless: true }),
  device('foreign', { ...memory, size: 256 }, 0, { foreign: true }),
];

export function partOf(of: SoakDevice, number: number): Shadow {
  const start = BigInt(number * of.part);
  const zoned = of.name === 'zoned';
  return new Shadow({ start, end: start + BigInt(of.part) }, zoned);
}
