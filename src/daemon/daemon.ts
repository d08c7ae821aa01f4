/** The room where the others are joined: time, memory, devices, exports and the server; ready,
 *  drain, stop. Knows nothing of flags and signals. */

import { formatNbdUri } from 'nbd-server-protocol-ts';
import type { Logger } from 'pino';
import { Attributes } from '../config/attributes.ts';
import type { Machine } from '../config/case.ts';
import type { Resolved } from '../config/resolve.ts';
import { Tree } from '../control/tree.ts';
import type { DeviceContext } from '../driver/build.ts';
import { Devices } from '../driver/devices.ts';
import { createSlabAllocator, type SlabAllocator } from '../pages/allocator.ts';
import { ScratchPool } from '../pages/scratch.ts';
import { ChunkPool } from '../server/chunk-pool.ts';
import type { ListenAddress } from '../server/listener.ts';
import { Server } from '../server/server.ts';
import { Turn } from '../server/turn.ts';
import { systemClock, systemScheduler } from '../time/clock.ts';
import { Deferred, type DeferredWork } from '../time/deferred.ts';
import { Pacing } from '../time/pacing.ts';
import { TimerQueue } from '../time/timer-queue.ts';
import { nanoseconds } from '../units.ts';
import { type Control, type ControlOptions, startControl } from './control.ts';
import { type ExportFacts, PoweredExports } from './exports.ts';
import { version } from './version.ts';

export type { ListenAddress } from '../server/listener.ts';
export type { ExportFacts } from './exports.ts';

/** After traffic the sockets are looked at for so long before sleeping. */
const POLL = nanoseconds(100_000);

/** Slabs whose memory is returned between two looks at the sockets: half a millisecond. */
const RETURNED_SLABS = 10;

export interface DaemonOptions {
  /** What the devices made at start are, and what new directories start from. */
  readonly parameters: Resolved;
  readonly machine: Machine;
  readonly listen: readonly ListenAddress[];
  readonly log: Logger;
  /** Every random choice follows from it. */
  readonly faultSeed: string;
  /** Checks every handle on a request; for tests. */
  readonly debug: boolean;
  /** Undefined: no control API. */
  readonly control?: ControlOptions;
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
 *  @throws ListenError when an address cannot be had, ErrnoError when a device cannot be built;
 *  nothing is left behind then. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { log, parameters } = options;
  const { devices, exports, server, turn } = makeDataPath(options);
  let notices = false;
  const tree = new Tree({
    devices,
    makeAttributes: (name) => new Attributes(name, parameters.start, options.machine),
    notice: (line) => {
      if (notices) log.warn(line);
    },
    afterTurn: () => turn.end(),
  });
  const listening: ListenAddress[] = [];
  let control: Control | undefined;
  const stopNow = (): void => {
    server.stopNow();
    control?.closeNow();
  };
  try {
    for (let n = 0; n < parameters.options.nr_devices; n++) {
      await tree.create(`nullb${n}`, new Map([['power', '1']]));
    }
    notices = true; // those of the start were said when its parameters were read
    for (const address of options.listen) listening.push(await server.listen(address));
    if (options.control !== undefined) {
      const uris = (): string[] => listening.map(addressUri);
      control = await startControl(options.control, {
        ...{ tree, log, version: version() },
        listening: uris,
      });
    }
  } catch (error) {
    stopNow();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    listening,
    exports: exports.facts(),
    control: control?.path,
    stop() {
      stopping ??= Promise.all([server.stop(), control?.close()]).then(() => {});
      return stopping;
    },
    stopNow,
  };
}

interface DataPath {
  readonly devices: Devices;
  readonly exports: PoweredExports;
  readonly server: Server;
  readonly turn: Turn;
}

/** Everything that a request passes, from the sockets to the pages; no device yet, and nobody
 *  listens. */
function makeDataPath({ log, parameters, debug, faultSeed }: DaemonOptions): DataPath {
  const clock = systemClock;
  const scheduler = systemScheduler;
  const timers = new TimerQueue();
  const deferred = new Deferred();
  const turn = new Turn(deferred);
  const pacing = new Pacing(clock, scheduler, timers, deferred, POLL, () => turn.end());
  turn.onRest = (lookAgain) => pacing.rest(lookAgain);
  const allocator = makeAllocator(deferred);
  const exports = new PoweredExports();
  const server = new Server(exports, {
    ...{ log, turn, pacing, scheduler, deferred, allocator },
    chunks: new ChunkPool(),
    scratch: new ScratchPool(),
  });
  const context: DeviceContext = {
    ...{ clock, timers, deferred, allocator, debug, faultSeed },
    wake: () => pacing.rest(true),
  };
  const devices = new Devices(context, parameters.options, {
    added: (device) => exports.add(device),
    removed: (device) => exports.remove(device, (gone) => server.retire(gone)),
  });
  return { devices, exports, server, turn };
}

/** Returns the memory of freed slabs a little in each turn. */
function makeAllocator(deferred: Deferred): SlabAllocator {
  const memoryReturn: DeferredWork = {
    raised: false,
    runDeferred: () => {
      if (allocator.returnSome(RETURNED_SLABS)) deferred.raiseNextTurn(memoryReturn);
    },
  };
  const allocator = createSlabAllocator({ later: () => deferred.raiseNextTurn(memoryReturn) });
  return allocator;
}

function addressUri(transport: ListenAddress): string {
  return formatNbdUri({ tls: false, transport, exportName: '', query: new Map() });
}
