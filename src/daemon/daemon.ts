/** The room where the others are joined: time, memory, devices, exports and the server; ready,
 *  drain, stop. Knows nothing of flags and signals. */

import type { Logger } from 'pino';
import type { DeviceOptions } from '../config/parameters.ts';
import { Devices } from '../driver/devices.ts';
import { NbdExport } from '../export/nbd-export.ts';
import { createSlabAllocator } from '../pages/allocator.ts';
import { ScratchPool } from '../pages/scratch.ts';
import { ChunkPool } from '../server/chunk-pool.ts';
import type { ListenAddress } from '../server/listener.ts';
import { Server } from '../server/server.ts';
import { Turn } from '../server/turn.ts';
import { systemClock, systemScheduler } from '../time/clock.ts';
import { Deferred } from '../time/deferred.ts';
import { Pacing } from '../time/pacing.ts';
import { TimerQueue } from '../time/timer-queue.ts';
import { nanoseconds } from '../units.ts';
import type { ControlOptions } from './control.ts';

export type { ListenAddress } from '../server/listener.ts';

/** After traffic the sockets are looked at for so long before sleeping. */
const POLL = nanoseconds(100_000);

export interface DaemonOptions {
  readonly device: DeviceOptions;
  readonly listen: readonly ListenAddress[];
  readonly log: Logger;
  /** Checks every handle on a request; for tests. */
  readonly debug: boolean;
  /** Undefined: no control API. */
  readonly control?: ControlOptions;
}

export interface ExportFacts {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes. */
  readonly blockSize: number;
}

export interface Daemon {
  /** The addresses, with their real ports. */
  readonly listening: readonly ListenAddress[];
  readonly exports: readonly ExportFacts[];
  /** The control socket. */
  readonly control: string | undefined;
  /** Lets what is in flight end, at most 5 s; then every socket is closed. May be called again. */
  stop(): Promise<void>;
  /** Closes everything as it stands. */
  stopNow(): void;
}

/** Powers the devices on and listens.
 *  @throws ListenError when an address cannot be had; nothing is left behind then. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const clock = systemClock;
  const scheduler = systemScheduler;
  const timers = new TimerQueue();
  const deferred = new Deferred();
  const turn = new Turn(deferred);
  const pacing = new Pacing(clock, scheduler, timers, deferred, POLL, () => turn.end());
  turn.onRest = (lookAgain) => pacing.rest(lookAgain);
  const allocator = createSlabAllocator({});

  const devices = new Devices({ clock, timers, deferred, allocator, debug: options.debug });
  devices.addNumbered(options.device);
  const exports = Array.from(devices, (device) => new NbdExport(device.disk));

  const server = new Server(
    { list: () => exports },
    {
      log: options.log,
      turn,
      pacing,
      scheduler,
      deferred,
      allocator,
      chunks: new ChunkPool(),
      scratch: new ScratchPool(),
    },
  );
  const listening: ListenAddress[] = [];
  try {
    for (const address of options.listen) listening.push(await server.listen(address));
  } catch (error) {
    server.stopNow();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    listening,
    control: undefined,
    exports: exports.map(({ name, size, disk }) => ({
      name,
      size,
      blockSize: disk.limits.blockBytes,
    })),
    stop() {
      stopping ??= server.stop();
      return stopping;
    },
    stopNow: () => server.stopNow(),
  };
}
