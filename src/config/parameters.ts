/** Every parameter and attribute, one row each: help, flags, words, docs and `DeviceOptions` derive
 *  from it. Knows no rules between parameters (judge.ts) and no text (kinds.ts, render.ts).
 *  Source: driver.md section 1. */

import type { FaultSettings } from './fault-settings.ts';
import type { Row } from './rows.ts';

/** The kernel reads these into 32 bits. */
const INT_MAX = 2147483647;
const UINT_MAX = 4294967295;
/** Capacities stay below 2^53 bytes: doubles then hold every offset exactly. */
const GIB_MAX = 2 ** 23 - 1;
const MIB_MAX = 2 ** 33 - 1;
/** An export's size is a signed number in most clients. */
const BYTES_MAX = 2n ** 63n - 1n;
const JOURNAL = { topic: 'journal', where: 'P and C', when: 'off' } as const;
const ZONES = { topic: 'zones', where: 'P and C', when: 'off' } as const;
/** Written alone: the zone of this sector changes its condition. */
const CONDITION = {
  topic: 'zones',
  where: 'C',
  when: 'powered on',
  kind: 'integer',
  width: 64,
  default: '',
  rule: 'a sector number',
} as const;
const FAULT = {
  kind: 'fault',
  topic: 'faults',
  where: 'P and C',
  when: 'live',
  default: '',
  rule: 'interval,probability,space,times; times -1 means no limit',
} as const;

export const parameters = {
  nr_devices: {
    kind: 'integer',
    topic: 'devices',
    where: 'P',
    when: 'start',
    default: 1,
    min: 0,
    max: 65536,
    help: 'devices made at start, named nullb0, nullb1 ...; 0 leaves all to the control tree',
  },
  gb: {
    kind: 'integer',
    topic: 'devices',
    where: 'P',
    when: 'start',
    default: 4,
    min: 1,
    max: GIB_MAX,
    unit: 'GiB',
    help: 'capacity of the devices made at start; of gb and size the later one counts',
  },
  size: {
    kind: 'integer',
    topic: 'devices',
    where: 'P and C',
    when: 'off',
    default: 4096,
    min: 1,
    max: MIB_MAX,
    width: 64,
    unit: 'MiB',
    help: 'capacity of a device in MiB, gb * 1024 when not given',
  },
  size_bytes: {
    kind: 'integer',
    topic: 'devices',
    where: 'P and C',
    when: 'off',
    default: 0n,
    min: 0,
    max: BYTES_MAX,
    width: 64,
    exact: true,
    unit: 'bytes',
    rule: '0 (size or gb decides) or any size; from 2^53 on without memory_backed and zoned',
    help: 'exact capacity of a device (1000001, 10G); overrides size and gb',
  },
  bs: {
    kind: 'integer',
    topic: 'devices',
    where: 'P and C',
    when: 'off',
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
    default: false,
    help: 'report the device as a rotating disk',
  },
  queue_mode: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
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
    default: 0,
    min: 0,
    max: INT_MAX,
    rule: '0..cpus; more becomes cpus; as an attribute at most the parameter',
    help: 'queues whose completions are polled for, beside the submit queues',
  },
  use_per_node_hctx: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    default: false,
    help: 'one submit queue for each NUMA node',
  },
  home_node: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    default: -1,
    min: -1,
    max: INT_MAX,
    rule: '-1 (any) or a node that is online',
    help: 'NUMA node of allocations',
  },
  hw_queue_depth: {
    kind: 'integer',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
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
    default: false,
    help: 'one tag set for all devices',
  },
  shared_tag_bitmap: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    default: false,
    help: 'one bitmap of tags for all hardware queues of a device',
  },
  no_sched: {
    kind: 'count',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    default: false,
    help: 'no I/O scheduler by default; any number but 0 is true',
  },
  blocking: {
    kind: 'boolean',
    topic: 'queues',
    where: 'P and C',
    when: 'off',
    default: false,
    help: 'the queue handler may sleep; memory_backed sets it',
  },
  irqmode: {
    kind: 'integer',
    topic: 'completion',
    where: 'P and C',
    when: 'off',
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
    default: 10000,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    width: 64,
    unit: 'ns',
    help: 'delay of each request with irqmode 2, counted from the end of its processing',
  },
  max_sectors: {
    kind: 'integer',
    topic: 'limits',
    where: 'P and C',
    when: 'off',
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
    default: false,
    help: 'segments may meet at page boundaries only; requests with gaps are split',
  },
  memory_backed: {
    kind: 'boolean',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    default: false,
    help: 'keep data in RAM; without it writes vanish and reads give zeros',
  },
  discard: {
    kind: 'boolean',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    default: false,
    help: 'accept discards; needs memory_backed, not with zoned',
  },
  cache_size: {
    kind: 'integer',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    default: 0,
    min: 0,
    max: MIB_MAX,
    width: 64,
    unit: 'MiB',
    help: 'volatile write cache; needs memory_backed',
  },
  fua: {
    kind: 'boolean',
    topic: 'data',
    where: 'P and C',
    when: 'off',
    default: true,
    help: 'offer FUA on a device with a cache; without a cache it is always offered',
  },
  mbps: {
    kind: 'integer',
    topic: 'bandwidth',
    where: 'P and C',
    when: 'off',
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
    default: '',
    help: 'ranges of bad sectors, +START-END to add and -START-END to clear',
  },
  badblocks_once: {
    kind: 'boolean',
    topic: 'bad blocks',
    where: 'C',
    when: 'off',
    default: false,
    help: 'a bad range is cleared by the first request that hits it',
  },
  badblocks_partial_io: {
    kind: 'boolean',
    topic: 'bad blocks',
    where: 'C',
    when: 'off',
    default: false,
    help: 'transfer the blocks before the first bad one',
  },
  journal: {
    ...JOURNAL,
    kind: 'boolean',
    default: false,
    help: 'write down what clients do, from power on; not with zoned',
  },
  journal_file: {
    ...JOURNAL,
    kind: 'path',
    default: '',
    help: 'the journal goes to this file instead of memory; it is new, or replaces an older journal',
  },
  journal_max: {
    ...JOURNAL,
    kind: 'integer',
    default: 1024,
    min: 1,
    max: MIB_MAX,
    width: 64,
    unit: 'MiB',
    help: 'how long the journal may become',
  },
  journal_full: {
    ...JOURNAL,
    kind: 'word',
    words: ['stop', 'fail'],
    default: 'stop',
    help: 'what happens then: the journal ends, or writes fail with ENOSPC',
  },
  log: {
    kind: 'integer',
    topic: 'log',
    where: 'P and C',
    when: 'live',
    default: 0,
    min: 0,
    max: 1_048_576,
    unit: 'commands',
    help: 'how many of the last commands the request log keeps; 0: no log',
  },
  zoned: { ...ZONES, kind: 'boolean', default: false, help: 'a host-managed zoned device' },
  zone_size: {
    ...ZONES,
    kind: 'integer',
    default: 256,
    min: 1,
    max: MIB_MAX,
    width: 64,
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
    width: 64,
    unit: 'MiB',
    rule: 'at most zone_size, and equal to it if the last zone is short; 0 is zone_size',
    help: 'usable part of a zone',
  },
  zone_nr_conv: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: UINT_MAX,
    rule: '0 or more; the number of zones or more becomes one less',
    help: 'conventional zones at the start',
  },
  zone_max_open: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: UINT_MAX,
    rule: '0 (no limit) or more; all sequential zones become 0, more than zone_max_active becomes zone_max_active',
    help: 'limit of open zones',
  },
  zone_max_active: {
    ...ZONES,
    kind: 'integer',
    default: 0,
    min: 0,
    max: UINT_MAX,
    rule: '0 (no limit) or more; all sequential zones become 0',
    help: 'limit of active zones',
  },
  zone_append_max_sectors: {
    ...ZONES,
    kind: 'integer',
    default: INT_MAX,
    min: 0,
    max: INT_MAX,
    rule: '0 (no native append) or more; rounded down to whole blocks, at most a zone',
    unit: 'sectors of 512 bytes',
    help: 'largest zone append',
  },
  zone_full: { ...ZONES, kind: 'boolean', default: false, help: 'sequential zones start full' },
  zone_readonly: {
    ...CONDITION,
    help: 'write only: the zone of this sector becomes read-only, or empty again',
  },
  zone_offline: {
    ...CONDITION,
    help: 'write only: the zone of this sector goes offline, or becomes empty again',
  },
  timeout: { ...FAULT, attribute: 'timeout_inject', help: 'requests that are never completed' },
  requeue: {
    ...FAULT,
    attribute: 'requeue_inject',
    help: 'requests that are put back into their queue',
  },
  init_hctx: {
    ...FAULT,
    attribute: 'init_hctx_fault_inject',
    help: 'hardware queues that fail to start',
  },
  power: {
    kind: 'boolean',
    topic: 'control',
    where: 'C',
    when: 'live',
    default: false,
    help: '1 builds the device from its attributes and shows it, 0 removes it',
  },
  index: {
    kind: 'integer',
    topic: 'control',
    where: 'C',
    when: 'off',
    default: 0,
    min: 0,
    max: UINT_MAX,
    help: "the device's number, assigned at power on; a written value has no effect",
  },
  features: {
    kind: 'text',
    topic: 'control',
    where: 'C',
    when: 'read only',
    default: '',
    help: 'attribute of the root: the names of all attributes of a device',
  },
} as const satisfies Record<string, Row>;

export type ParameterName = keyof typeof parameters;
type Rows = typeof parameters;

/** Rows that no device is made from: actions, lists, and what the program itself decides. */
type NoOption = 'badblocks' | 'zone_readonly' | 'zone_offline' | 'power' | 'index' | 'features';
export type OptionName = Exclude<ParameterName, NoOption>;

type Read<R extends Row> = R['kind'] extends 'boolean' | 'count'
  ? boolean
  : R['kind'] extends 'integer'
    ? R extends { readonly exact: true }
      ? bigint
      : number
    : R['kind'] extends 'fault'
      ? FaultSettings
      : string;
type Judged<R extends Row> = R extends { readonly oneOf: readonly (infer N)[] } ? N : Read<R>;

/** Values as given: each of its row's kind and unit, the rules between them not yet applied. */
export type OptionValues = { readonly [K in OptionName]: Read<Rows[K]> };
/** What a device is made from: values that all rules have passed. */
export type DeviceOptions = { readonly [K in OptionName]: Judged<Rows[K]> };

type AttributeOf<K extends ParameterName> = Rows[K] extends
  | { readonly where: 'P' }
  | { readonly kind: 'fault' }
  ? never
  : Rows[K] extends { readonly attribute: infer A extends string }
    ? A
    : Exclude<K, 'features'>;
/** The attributes of a device, by the names of the control tree; without the fault groups. */
export type AttributeName = { [K in ParameterName]: AttributeOf<K> }[ParameterName];

/** The table to walk: rows by name, in the order of the table. */
export const rows: ReadonlyMap<string, Row> = new Map<string, Row>(Object.entries(parameters));

const noOptions: ReadonlySet<string> = new Set<NoOption>([
  'badblocks',
  'zone_readonly',
  'zone_offline',
  'power',
  'index',
  'features',
]);

/** The options, in the order of the table. */
export const optionNames: readonly OptionName[] = Object.keys(parameters).filter(
  (name): name is OptionName => !noOptions.has(name),
);

/** True when there is a flag and a word of this name. */
export function isParameter(name: string): name is OptionName {
  return Object.hasOwn(parameters, name) && rows.get(name)?.where !== 'C';
}
