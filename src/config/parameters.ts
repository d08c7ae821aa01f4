/** Every parameter and attribute, one row each: help, flags, words, docs and `DeviceOptions` derive
 *  from it. Knows no rules between parameters (resolve.ts) and no text (kinds.ts, render.ts).
 *  Source: driver.md section 1. */

/** How a parameter's text is read. `count` is an integer that means a boolean: not 0 is true. */
export type Kind = 'boolean' | 'count' | 'integer' | 'text';
/** Where it can be set: P at start (flag and word), C as a control attribute. */
export type Where = 'P' | 'C' | 'P and C';
/** When an attribute can be changed: only with the device off, or at any time. */
export type When = 'start' | 'off' | 'live' | 'powered on' | 'read only';
export const topics = [
  'devices',
  'queues',
  'completion',
  'limits',
  'data',
  'bandwidth',
  'bad blocks',
  'zones',
  'faults',
  'control',
] as const;
export type Topic = (typeof topics)[number];

export interface Row {
  readonly kind: Kind;
  readonly topic: Topic;
  readonly where: Where;
  readonly when: When;
  /** Already works. A row without it is listed, and refused by name. */
  readonly built: boolean;
  readonly default: boolean | number | string;
  /** Smallest and largest number that is read; integers only. */
  readonly min?: number;
  readonly max?: number;
  /** The only numbers the device ever sees. */
  readonly oneOf?: readonly number[];
  readonly unit?: string;
  /** The attribute's name, where it is not the parameter's. */
  readonly attribute?: string;
  /** What a value must be or becomes, beyond min and max; completes the sentence "must be ...". */
  readonly rule?: string;
  readonly help: string;
}

/** The kernel reads these into 32 bits. */
const INT_MAX = 2147483647;
const UINT_MAX = 4294967295;
/** Capacities stay below 2^53 bytes: doubles then hold every offset exactly. */
const GIB_MAX = 2 ** 23 - 1;
const MIB_MAX = 2 ** 33 - 1;
const ZONES = { topic: 'zones', where: 'P and C', when: 'off', built: true } as const;

export const parameters = {
  nr_devices: {
    kind: 'integer',
    topic: 'devices',
    where: 'P',
    when: 'start',
    built: true,
    default: 1,
    min: 0,
    max: 65536,
    help: 'devices made at start, named nullb0, nullb1 ...; 0 serves nothing',
  },
  gb: {
    kind: 'integer',
    topic: 'devices',
    where: 'P',
    when: 'start',
    built: true,
    default: 4,
    min: 1,
    max: GIB_MAX,
    unit: 'GiB',
    help: 'capacity of a device; of gb and size the later one counts',
  },
  size: {
    kind: 'integer',
    topic: 'devices',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 4096,
    min: 1,
    max: MIB_MAX,
    unit: 'MiB',
    help: 'capacity of a device in MiB, gb * 1024 when not given',
  },
  bs: {
    kind: 'integer',
    topic: 'devices',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 512,
    min: 512,
    max: 4096,
    unit: 'bytes',
    rule: 'a power of two',
    attribute: 'blocksize',
    help: 'logical and physical block size',
  },
  rotational: {
    kind: 'boolean',
    topic: 'devices',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'says it is a rotating disk',
  },
  queue_mode: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 2,
    min: 0,
    max: 2,
    oneOf: [2],
    rule: '2 (multiqueue); 0 becomes 2, 1 is no longer available',
    help: 'how requests reach the driver',
  },
  submit_queues: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'live',
    built: true,
    default: 1,
    min: -INT_MAX - 1,
    max: INT_MAX,
    rule: '1..cpus; 0 becomes 1, more or negative becomes cpus',
    help: 'hardware submit queues',
  },
  poll_queues: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'live',
    built: true,
    default: 0,
    min: 0,
    max: INT_MAX,
    rule: '0..cpus; more becomes cpus',
    help: 'queues whose completions are polled for, beside the submit queues',
  },
  use_per_node_hctx: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'one submit queue for each NUMA node',
  },
  home_node: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: -1,
    min: -1,
    max: INT_MAX,
    help: 'NUMA node of allocations; -1 is any',
  },
  hw_queue_depth: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 64,
    min: 1,
    max: INT_MAX,
    unit: 'tags',
    rule: '1..10240; more becomes 10240',
    help: 'requests in flight for each hardware queue',
  },
  shared_tags: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'one tag set for all devices',
  },
  shared_tag_bitmap: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'all hardware queues of a device draw from one bitmap of tags',
  },
  no_sched: {
    kind: 'count',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'no I/O scheduler by default; any number but 0 is true',
  },
  blocking: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'the queue handler may sleep; memory_backed sets it',
  },
  irqmode: {
    kind: 'integer',
    topic: 'completion',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 0,
    min: 0,
    max: 2,
    oneOf: [0, 1, 2],
    help: 'how requests complete: 0 inline, 1 softirq (deferred), 2 timer',
  },
  completion_nsec: {
    kind: 'integer',
    topic: 'completion',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 10000,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'ns',
    help: 'delay of each request with irqmode 2, from when its processing is done',
  },
  max_sectors: {
    kind: 'integer',
    topic: 'limits',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 0,
    min: 0,
    max: UINT_MAX,
    unit: 'sectors of 512 bytes',
    rule: '0 (no limit of its own) or at least 8; rounded down to whole blocks',
    help: 'largest request; longer ones are split',
  },
  virt_boundary: {
    kind: 'boolean',
    topic: 'limits',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'segments may meet at page boundaries only; requests with gaps are split',
  },
  memory_backed: {
    kind: 'boolean',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'keep data in RAM; without it writes vanish and reads give zeros',
  },
  discard: {
    kind: 'boolean',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    built: true,
    default: false,
    help: 'accept discards; needs memory_backed',
  },
  cache_size: {
    kind: 'integer',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 0,
    min: 0,
    max: MIB_MAX,
    unit: 'MiB',
    help: 'volatile write cache; needs memory_backed',
  },
  fua: {
    kind: 'boolean',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    built: true,
    default: true,
    help: 'advertise FUA, with a cache only',
  },
  mbps: {
    kind: 'integer',
    topic: 'bandwidth',
    where: 'P and C',
    when: 'off',
    built: true,
    default: 0,
    min: 0,
    max: UINT_MAX,
    unit: 'MiB/s',
    rule: '0 (no limit) or more; clamped to 40960',
    help: 'bandwidth limit',
  },
  badblocks: {
    kind: 'text',
    topic: 'bad blocks',
    where: 'C',
    when: 'live',
    built: false,
    default: '',
    help: 'ranges of bad sectors, +START-END to add and -START-END to clear',
  },
  badblocks_once: {
    kind: 'boolean',
    topic: 'bad blocks',
    where: 'C',
    when: 'off',
    built: true,
    default: false,
    help: 'a bad range is cleared by the first request that hits it',
  },
  badblocks_partial_io: {
    kind: 'boolean',
    topic: 'bad blocks',
    where: 'C',
    when: 'off',
    built: true,
    default: false,
    help: 'transfer what lies before the first bad block',
  },
  zoned: { ...ZONES, kind: 'boolean', default: false, help: 'a host-managed zoned device' },
  zone_size: {
    ...ZONES,
    kind: 'integer',
    default: 256,
    min: 1,
    max: MIB_MAX,
    unit: 'MiB',
    rule: 'a power of two, at most the capacity',
    help: 'length of a zone',
  },
  zone_capacity: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: MIB_MAX,
    unit: 'MiB',
    rule: 'at most zone_size; 0 is zone_size',
    help: 'usable part of a zone',
  },
  zone_nr_conv: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: UINT_MAX,
    help: 'conventional zones at the start',
  },
  zone_max_open: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: UINT_MAX,
    help: 'most open zones; 0 is no limit',
  },
  zone_max_active: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: UINT_MAX,
    help: 'most active zones; 0 is no limit',
  },
  zone_append_max_sectors: {
    ...ZONES,
    kind: 'integer',
    default: INT_MAX,
    min: 0,
    max: INT_MAX,
    unit: 'sectors of 512 bytes',
    help: 'largest zone append; 0 is no native append',
  },
  zone_full: { ...ZONES, kind: 'boolean', default: false, help: 'sequential zones start full' },
  zone_readonly: {
    ...ZONES,
    built: false,
    kind: 'text',
    where: 'C',
    when: 'powered on',
    default: '',
    help: 'write only: the zone of this sector becomes read-only, or empty again',
  },
  zone_offline: {
    ...ZONES,
    built: false,
    kind: 'text',
    where: 'C',
    when: 'powered on',
    default: '',
    help: 'write only: the zone of this sector goes offline, or becomes empty again',
  },
  timeout: {
    kind: 'text',
    topic: 'faults',
    where: 'P and C',
    when: 'live',
    built: false,
    default: '',
    rule: 'interval,probability,space,times',
    attribute: 'timeout_inject',
    help: 'requests that are never completed',
  },
  requeue: {
    kind: 'text',
    topic: 'faults',
    where: 'P and C',
    when: 'live',
    built: false,
    default: '',
    rule: 'interval,probability,space,times',
    attribute: 'requeue_inject',
    help: 'requests that are put back into their queue',
  },
  init_hctx: {
    kind: 'text',
    topic: 'faults',
    where: 'P and C',
    when: 'live',
    built: false,
    default: '',
    rule: 'interval,probability,space,times',
    attribute: 'init_hctx_fault_inject',
    help: 'hardware queues that fail to start',
  },
  power: {
    kind: 'boolean',
    topic: 'control',
    where: 'C',
    when: 'live',
    built: false,
    default: false,
    help: '1 builds the device from its attributes and shows it, 0 removes it',
  },
  index: {
    kind: 'integer',
    topic: 'control',
    where: 'C',
    when: 'read only',
    built: false,
    default: 0,
    min: 0,
    max: UINT_MAX,
    help: "the device's number",
  },
  features: {
    kind: 'text',
    topic: 'control',
    where: 'C',
    when: 'read only',
    built: false,
    default: '',
    help: 'names of all attributes',
  },
} as const satisfies Record<string, Row>;

export type ParameterName = keyof typeof parameters;
type Rows = typeof parameters;
/** Names of the parameters that work. */
export type BuiltName = {
  [K in ParameterName]: Rows[K]['built'] extends true ? K : never;
}[ParameterName];

type ValueOf<R extends Row> = R extends { readonly oneOf: readonly (infer N)[] }
  ? N
  : R['kind'] extends 'boolean' | 'count'
    ? boolean
    : R['kind'] extends 'integer'
      ? number
      : string;

/** What a device is made from: the built rows, each with its unit as in its row. */
export type DeviceOptions = { readonly [K in BuiltName]: ValueOf<Rows[K]> };

/** The table to walk: rows by name, in the order of the table. */
export const rows: ReadonlyMap<string, Row> = new Map<string, Row>(Object.entries(parameters));

export function isParameterName(name: string): name is ParameterName {
  return Object.hasOwn(parameters, name);
}
