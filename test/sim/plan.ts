/** What a run is: drawn from its seed, and cut down by what the command line or the shrinker leaves out.
 *  Swarm: each run leaves out a random part of the operations and draws its own parameters. Knows no
 *  daemon. Source: docs/simulator.md. */

import { Random } from '../fuzz/random.ts';
import type { TimeLimits } from './client-time.ts';
import type { DiskPlan } from './journal-disk.ts';
import type { Carrier } from './wire.ts';
import type { Machine } from './world.ts';

const MS = 1e6;

/** What clients, operators and the surroundings may do; each may be left out. */
export const features = [
  // what clients ask for
  'read',
  'write',
  'trim',
  'zeroes',
  'flush',
  'fua',
  'cache',
  'status',
  'wrong',
  'long',
  'parts',
  // how they come and go
  'goodbye',
  'leave',
  'reset',
  'stall',
  'rest',
  'dawdle',
  'cuts',
  'tls',
  'low-limits',
  'threads',
  // what operators do
  'queues',
  'power',
  'force',
  'badblocks',
  'timeouts',
  'requeues',
  'failing-queues',
  'create',
  'look',
  'flush-call',
  'zone-calls',
  'zone-ranges',
  'zone-conditions',
  'quiet',
  'http',
  // what devices are
  'shared-tags',
  'throttle',
  'memory-off',
  'write-cache',
  'zones',
  'polling',
  'blocking',
  'timers',
  'deferred',
  'small-blocks',
  'wide',
  'busy-poll',
  'checked-handles',
  'memory-fails',
  'narrow',
  // Behind all others: what is drawn for those stays as it was.
  'rules',
  'wire-rules',
  'snapshots',
  'power-cuts',
  'journals',
  'request-log',
  'zoned-rollbacks',
  'zoned-cuts',
  'journal-files',
  'diffs',
] as const;

export type Feature = (typeof features)[number];

/** What a run may be cut down to. */
export interface Limits {
  readonly operations?: number | undefined;
  readonly devices?: number | undefined;
  readonly clients?: number | undefined;
  readonly operators?: number | undefined;
  readonly without?: readonly Feature[] | undefined;
  /** The n-th time that memory is taken there is none; 0: there always is. Left out: as drawn. */
  readonly memoryFailsAt?: number | undefined;
}

export interface DevicePlan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  /** Bytes that clients use, from `base` on; the last of them may be the device's last. */
  readonly base: number;
  readonly cells: number;
  readonly cellBytes: number;
}

export interface Plan {
  readonly seed: number;
  readonly has: ReadonlySet<Feature>;
  readonly operations: number;
  readonly devices: readonly DevicePlan[];
  readonly clients: number;
  readonly depthMax: number;
  /** So often a client does something else than to send more. */
  readonly misbehavesOneIn: number;
  readonly operators: number;
  /** ns between two actions of one operator, on average. */
  readonly operatorNs: number;
  /** And requests between them at least, on average. */
  readonly operationsPerAction: number;
  readonly machine: Machine;
  readonly carrier: Carrier;
  /** us */
  readonly busyPoll: number;
  readonly inFlight: number;
  /** Of clients. */
  readonly time: TimeLimits;
  readonly checked: boolean;
  /** The share of clients that ask for TLS. */
  readonly tls: number;
  /** Threads for sockets; 0: the main thread has them. */
  readonly threads: number;
  /** Operators call over HTTP. */
  readonly http: boolean;
  readonly memoryFailsAt: number;
  /** An operator gives devices rules. */
  readonly rules: boolean;
  /** An operator takes snapshots, goes back to them, makes clones, and cuts the power. */
  readonly snapshots: boolean;
  /** An operator has devices keep journals, and cuts the power by them. */
  readonly journals: boolean;
  /** Where journals may be in files. */
  readonly disk: DiskPlan;
}

export function random(seed: number, part: string): Random {
  return new Random(`${seed}/${part}`);
}

const KEEP = 0.72;
/** No run asks for more. */
export const OPERATIONS_MAX = 4000;
/** Those of the daemon, where nobody says otherwise. */
const USUAL_TIME: TimeLimits = { handshakeTime: 10, idleTime: 0, stallTime: 120 };

export function drawPlan(seed: number, limits: Limits = {}): Plan {
  const has = drawFeatures(random(seed, 'features'), limits.without ?? []);
  const draw = random(seed, 'plan');
  const operations = draw.pick([300, 1000, 2000, OPERATIONS_MAX]);
  const deviceCount = draw.pick([1, 1, 2, 3]);
  const clients = draw.pick([1, 2, 2, 3, 4, 6]);
  const operators = draw.pick([0, 1, 1, 2, 3]);
  const depthMax = draw.pick([1, 2, 8, 8, 32, 64]);
  const operatorNs = draw.pick([0.2, 1, 5, 30, 30]) * MS;
  const machine = {
    clockReadNs: draw.pick([0, 30, 30, 300, 5000, 60_000]),
    iterationNs: draw.pick([1000, 5000, 20_000]),
    timerLateNs: draw.pick([0, 200_000, MS]),
  };
  const carrier = {
    latencyNs: draw.pick([1, 2000, 20_000, 20_000, 500_000]),
    roomBytes: draw.pick([4096, 64 * 1024, 212_992, 212_992, 1 << 20]),
    cutOneIn: has.has('cuts') ? draw.pick([0, 2, 10, 10]) : 0,
    asksLate: draw.chance(0.2),
  };
  const busyPoll = has.has('busy-poll') ? 100 : 0;
  const devices = Array.from({ length: Math.min(deviceCount, limits.devices ?? 9) }, (_, n) =>
    drawDevice(random(seed, `device/${n}`), `d${n}`, has),
  );
  const plan: Plan = {
    ...{ seed, has, devices, depthMax, operatorNs, machine, carrier, busyPoll },
    operationsPerAction: draw.pick([10, 50, 50, 200]),
    operations: Math.min(operations, limits.operations ?? operations),
    clients: Math.min(clients, limits.clients ?? 99),
    operators: Math.min(operators, limits.operators ?? 99),
    inFlight: draw.pick([1 << 20, 128 << 20]),
    misbehavesOneIn: draw.pick([1000, 1000, 150]),
    time: drawTime(draw, has.has('low-limits')),
    checked: has.has('checked-handles') && draw.chance(0.3),
    tls: has.has('tls') ? draw.pick([0, 0, 0, 0, 0, 0, 0, 0, 0.3, 1]) : 0,
    threads: has.has('threads') ? draw.pick([0, 0, 0, 1, 2]) : 0,
    http: has.has('http') && draw.chance(0.5),
    memoryFailsAt: limits.memoryFailsAt ?? drawRefusal(draw, has),
    snapshots: limits.operators !== 0 && random(seed, 'snapshots').chance(0.4),
    journals: limits.operators !== 0 && random(seed, 'journals').chance(0.4),
    disk: drawDisk(random(seed, 'disk')),
    rules: has.has('rules') && limits.operators !== 0 && random(seed, 'rules').chance(0.4),
  };
  const drawn = has.has('narrow') && random(seed, 'narrow').chance(0.15) ? narrowed(plan) : plan;
  return plan.journals && has.has('journals') ? journalled(drawn) : drawn;
}

/** Most devices keep a journal from the start, and have blocks that a model of cells can tell of. */
function journalled(plan: Plan): Plan {
  const draw = random(plan.seed, 'journalled');
  const devices = plan.devices.map((device) => {
    const { attributes } = device;
    const { base, cells, cellBytes } = wholeSectors(device);
    const blocksize = Math.min(cellBytes, draw.pick([512, 512, 4096]));
    const on = draw.chance(0.9) ? 1 : 0;
    const [full, most] = [draw.pick(['stop', 'stop', 'fail']), draw.pick([1, 64, 64])];
    if (attributes['zoned'] === 1) return device;
    const journal = { journal: on, journal_full: full, journal_max: most };
    const all = { ...attributes, blocksize, ...journal };
    return { ...device, base, cells, cellBytes, attributes: all };
  });
  return { ...plan, devices: plan.has.has('journal-files') ? devices.map(inFile(plan)) : devices };
}

/** Of most the journal is in a file. */
function inFile({ seed }: Plan): (device: DevicePlan) => DevicePlan {
  const draw = random(seed, 'journal-files');
  return (device) => {
    const { name, attributes } = device;
    if (attributes['zoned'] === 1 || draw.chance(0.3)) return device;
    return { ...device, attributes: { ...attributes, journal_file: journalFile(name) } };
  };
}

/** Of the device `name`. */
export function journalFile(name: string): string {
  return `/${name}.tj`;
}

function drawDisk(draw: Random): DiskPlan {
  return { writeNs: draw.pick([1, 50_000, MS]), ends: draw.pick([0, 0, 0.3]) };
}

/** Its cells are no parts of sectors. */
function wholeSectors(device: DevicePlan): Pick<DevicePlan, 'base' | 'cells' | 'cellBytes'> {
  if (device.cellBytes >= 512) return device;
  const cells = Math.min(device.cells, (Number(device.attributes['size']) * MiB) / 512);
  return { base: 0, cells, cellBytes: 512 };
}

/** Replies trickle, and soon find no room: what is rare where each of that is drawn for itself. */
function narrowed(plan: Plan): Plan {
  const { has, seed } = plan;
  const draw = random(seed, 'narrowed');
  const slow = has.has('throttle') ? { mbps: draw.pick([1, 1, 7]) } : {};
  return {
    ...plan,
    devices: plan.devices.map((device) => ({
      ...device,
      attributes: { ...device.attributes, ...slow, hw_queue_depth: draw.pick([1, 2]) },
    })),
    carrier: { ...plan.carrier, roomBytes: 4096 },
    depthMax: 64,
    misbehavesOneIn: 150,
    time: drawTime(draw, has.has('low-limits')),
    threads: has.has('threads') ? draw.pick([0, 1, 2]) : 0,
  };
}

/** Once in a part of the runs; most ask for memory some hundred times. */
function drawRefusal(draw: Random, has: ReadonlySet<Feature>): number {
  return has.has('memory-fails') && draw.chance(0.3) ? 1 + draw.skewed(500) : 0;
}

function drawTime(draw: Random, low: boolean): TimeLimits {
  const some = [0, 0, 1, 1, 2, 3];
  const [handshakeTime, idleTime, stallTime] = [
    draw.between(1, 4),
    draw.pick(some),
    draw.pick(some),
  ];
  return low ? { handshakeTime, idleTime, stallTime } : USUAL_TIME;
}

function drawFeatures(draw: Random, without: readonly Feature[]): Set<Feature> {
  const kept = features.filter(() => draw.chance(KEEP));
  const has = new Set(kept.filter((one) => !without.includes(one)));
  // Without either nothing could be told.
  if (!has.has('read')) has.add('read');
  return has;
}

const MiB = 1 << 20;

export function drawDevice(draw: Random, name: string, has: ReadonlySet<Feature>): DevicePlan {
  const keeps = !(has.has('memory-off') && draw.chance(0.25));
  const zoned = has.has('zones') && keeps && draw.chance(0.3);
  const cached = has.has('write-cache') && keeps && !zoned && draw.chance(0.4);
  const blockBytes = draw.pick([512, 512, 512, 1024, 2048, 4096, 4096]);
  const size = zoned ? 8 : draw.pick([1, 1, 2, 8, 64]);
  const irqmode = draw.pick([0, 0, ...(has.has('deferred') ? [1] : []), ...timers(has)]);
  const attributes: Record<string, number | string> = {
    size,
    blocksize: blockBytes,
    memory_backed: keeps ? 1 : 0,
    submit_queues: draw.between(1, 3),
    poll_queues: has.has('polling') && draw.chance(0.4) ? draw.between(1, 2) : 0,
    hw_queue_depth: draw.pick([1, 1, 2, 2, 3, 8, 64]),
    no_sched: draw.chance(0.4) ? 1 : 0,
    shared_tags: has.has('shared-tags') && draw.chance(0.3) ? 1 : 0,
    shared_tag_bitmap: draw.chance(0.2) ? 1 : 0,
    blocking: has.has('blocking') && draw.chance(0.4) ? 1 : 0,
    irqmode,
    completion_nsec: draw.pick([0, 1000, 10_000, 49_000, 100_000, 3_000_000]),
    max_sectors: draw.pick([0, 0, 8, 9, 64, 255, 1024]),
    virt_boundary: draw.chance(0.2) ? 1 : 0,
    discard: keeps && !zoned && draw.chance(0.7) ? 1 : 0,
    cache_size: cached ? draw.pick([1, 1, 2]) : 0,
    fua: draw.chance(0.7) ? 1 : 0,
    mbps: has.has('throttle') && draw.chance(0.3) ? draw.pick([1, 7, 30, 300]) : 0,
    badblocks_once: draw.chance(0.2) ? 1 : 0,
    badblocks_partial_io: draw.chance(0.4) ? 1 : 0,
    ...(zoned ? drawZones(draw) : {}),
  };
  const cellBytes = drawCell(draw, has, zoned ? 0 : size);
  const cellsMax = (size * MiB) / cellBytes;
  const cells = zoned ? cellsMax : Math.min(cellsMax, draw.pick([64, 512, 2048, 4096]));
  const bytes = cells * cellBytes;
  const atEnd = draw.chance(0.3);
  const room = size * MiB - bytes;
  const base = atEnd ? room : wholeUnits(draw.below(room + 1), Math.max(4096, cellBytes));
  return { name, attributes, base: zoned ? 0 : base, cells, cellBytes };
}

/** Small ones for parts of blocks, large ones where what is trimmed and zeroed takes several slices. */
function drawCell(draw: Random, has: ReadonlySet<Feature>, size: number): number {
  if (has.has('wide') && size >= 8 && draw.chance(0.5)) return draw.pick([4096, 32_768]);
  return has.has('small-blocks') && size > 0 ? draw.pick([512, 512, 64, 4]) : 512;
}

function timers(has: ReadonlySet<Feature>): number[] {
  return has.has('timers') ? [2, 2] : [];
}

function drawZones(draw: Random): Record<string, number> {
  return {
    zoned: 1,
    zone_size: draw.pick([1, 1, 2]),
    zone_capacity: draw.chance(0.2) ? 1 : 0,
    zone_nr_conv: draw.pick([0, 1, 2]),
    zone_max_open: draw.pick([0, 0, 2]),
    zone_append_max_sectors: draw.pick([0, 8, 2048]),
    hw_queue_depth: draw.pick([1, 4, 64]),
  };
}

function wholeUnits(bytes: number, unit: number): number {
  return bytes - (bytes % unit);
}
