/** Everything that a request passes, from a client's bytes to the pages, and the control tree over it. It
 *  makes no device, does not listen and never asks the system for the time: time, memory and streams come in,
 *  so that a simulation runs the same path as the daemon. */

import type { ReplyForm, TlsMode } from 'nbd-server-protocol-ts';
import { Attributes } from '../config/attributes.ts';
import type { Machine } from '../config/case.ts';
import type { Resolved } from '../config/resolve.ts';
import { Clients } from '../control/events/clients.ts';
import { DeviceWatch } from '../control/events/device-watch.ts';
import { Events } from '../control/events/events.ts';
import { Tree } from '../control/tree.ts';
import { Devices } from '../driver/devices.ts';
import type { NullDevice } from '../driver/null-device.ts';
import type { DeviceContext } from '../driver/parts.ts';
import type { ExportRules } from '../export/nbd-export.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import { ScratchPool } from '../pages/scratch.ts';
import { BufferPool } from '../server/buffer-pool.ts';
import type { ClientLimits } from '../server/client-limits.ts';
import { FaultCounts } from '../server/fault-counts.ts';
import type { Log } from '../server/log.ts';
import { Server } from '../server/server.ts';
import type { ServerContext } from '../server/server-context.ts';
import { ServerFaultCounts } from '../server/server-faults.ts';
import type { ServerTls } from '../server/tls-credentials.ts';
import { Traffic } from '../server/traffic.ts';
import { clientWatch } from './client-events.ts';
import { PoweredExports } from './exports.ts';
import type { Timing } from './timing.ts';

export interface DataPathOptions extends ExportRules {
  /** What the devices made at start are made from, and new directories start from. */
  readonly parameters: Resolved;
  readonly machine: Machine;
  readonly log: Log;
  /** The seed of every random choice. */
  readonly faultSeed: string;
  /** Called when a device has a fault that may strike. */
  readonly onFault?: () => void;
  /** Called for each device before it does anything. */
  readonly made?: ((device: NullDevice) => void) | undefined;
  /** Makes what keeps a device's data. */
  readonly makeStore?: DeviceContext['makeStore'];
  /** Checks every handle on a request; for tests. */
  readonly debug: boolean;
}

/** The surroundings of the path, which differ between the daemon and a simulation. */
export interface DataPathParts {
  /** Tells this daemon from others: letters and digits. */
  readonly mark: string;
  readonly timing: Timing;
  readonly limits: ClientLimits;
  readonly allocator: SlabAllocator;
  /** Collects garbage. Undefined: the engine decides when. */
  readonly collect?: () => void;
  /** Undefined: there are no threads for sockets. */
  readonly share: DeviceContext['share'];
  readonly openStream: ServerContext['openStream'];
  /** Undefined: journals stay in memory. */
  readonly openJournal?: DeviceContext['openJournal'];
  readonly makeToucher?: DeviceContext['makeToucher'];
  /** Undefined: there is no TLS. */
  readonly tls: ServerTls | undefined;
  readonly tlsMode: TlsMode;
  /** The highest form of the protocol that clients are offered. @default extended */
  readonly protocol?: ReplyForm;
  /** Left out: no threads run beside this one. */
  readonly faults?: FaultCounts;
  readonly traffic?: Traffic;
  /** Gets what power on adjusted, one line each. */
  notice(line: string): void;
}

export interface DataPath {
  readonly devices: Devices;
  readonly exports: PoweredExports;
  readonly server: Server;
  readonly tree: Tree;
  readonly faults: FaultCounts;
  readonly serverFaults: ServerFaultCounts;
  readonly traffic: Traffic;
  readonly events: Events;
  readonly clients: Clients;
}

export function makeDataPath(options: DataPathOptions, parts: DataPathParts): DataPath {
  const { log, parameters, debug, faultSeed } = options;
  const { limits, allocator, share, openStream, tls, tlsMode, protocol = 'extended' } = parts;
  const { faults = new FaultCounts(0, FaultCounts.memoryFor(0)) } = parts;
  const { traffic = new Traffic(0, Traffic.memoryFor(0)) } = parts;
  const { clock, scheduler, timers, deferred, turn, pacing, slicer } = parts.timing;
  const serverFaults = new ServerFaultCounts();
  const events = new Events({ scheduler, date: () => new Date() }, parts.mark);
  const clients = new Clients();
  const watch = new DeviceWatch(events, () => devices);
  const exports = new PoweredExports(limits.payload, options);
  const server = new Server(exports, {
    ...{ log, limits, turn, pacing, scheduler, deferred, allocator },
    ...{ openStream, tls, tlsMode, protocol, faults, serverFaults, traffic },
    clients: clientWatch(events, clients),
    buffers: new BufferPool(allocator.memory, scheduler, parts.collect),
    scratch: new ScratchPool(allocator.memory),
  });
  const context: DeviceContext = {
    ...{ clock, timers, deferred, allocator, debug, faultSeed, share },
    onFault: options.onFault,
    warn: (line) => log.warn({}, line),
    makeStore: options.makeStore,
    openJournal: parts.openJournal,
    makeToucher: parts.makeToucher,
    chooseImage: async (...how) => {
      const { chooseImage } = await import('../crash/choose-image.ts');
      return await slicer.run(chooseImage(...how));
    },
  };
  const devices: Devices = new Devices(context, parameters.options, {
    added: (device) => {
      exports.add(device);
      watch.powered(device);
    },
    removed: async (device) => {
      await exports.remove(device, (gone) => server.retire(gone));
      watch.unpowered(device);
    },
    cut: (device) => exports.cut(device, (of) => server.cut(of)),
    hurry: (device) => exports.hurry(device, (gone) => server.hurry(gone)),
  });
  const tree = new Tree({
    devices,
    slicer,
    made: (device) => {
      options.made?.(device);
      watch.made(device);
    },
    gone: (device) => watch.gone(device),
    happened: (type, device, facts) => events.publish(type, device, facts),
    onFault: options.onFault,
    makeAttributes: (name) => new Attributes(name, parameters.start, options.machine),
    notice: (line) => parts.notice(line),
  });
  return { devices, exports, server, tree, faults, serverFaults, traffic, events, clients };
}
