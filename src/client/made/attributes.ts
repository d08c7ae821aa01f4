/** What a device is given, by the names of its attributes. */

// Made by `npm run docs` out of the tables: not to be changed here.

export interface Attributes {
  /** Ranges of bad sectors, +START-END to add and -START-END to clear. */
  readonly badblocks?: string;
  /** A bad range is cleared by the first request that hits it; default false. */
  readonly badblocks_once?: Bit;
  /** Transfer the blocks before the first bad one; default false. */
  readonly badblocks_partial_io?: Bit;
  /** The queue handler may sleep; memory_backed sets it; default false. */
  readonly blocking?: Bit;
  /** Logical and physical block size; in bytes; default 512; a power of two. */
  readonly blocksize?: number;
  /** Volatile write cache; needs memory_backed; in MiB; default 0. */
  readonly cache_size?: number;
  /** Delay of each request with irqmode 2, counted from the end of its processing; in ns; default 10000. */
  readonly completion_nsec?: number;
  /** Accept discards; needs memory_backed, not with zoned; default false. */
  readonly discard?: Bit;
  /** Offer FUA on a device with a cache; without a cache it is always offered; default 1. */
  readonly fua?: Bit;
  /** NUMA node of allocations; default -1; -1 (any) or a node that is online. */
  readonly home_node?: number;
  /** Requests in flight for each hardware queue; in tags; default 64; 1..10240; more becomes 10240. */
  readonly hw_queue_depth?: number;
  /** The device's number, assigned at power on; a written value has no effect; default 0. */
  readonly index?: number;
  /** How requests complete: 0 inline, 1 softirq (deferred), 2 timer; default 0. */
  readonly irqmode?: number;
  /** Write down what clients do, from power on; not with zoned; default false. */
  readonly journal?: Bit;
  /** The journal goes to this file instead of memory; it is new, or replaces an older journal. */
  readonly journal_file?: string;
  /** What happens then: the journal ends, or writes fail with ENOSPC; default stop. */
  readonly journal_full?: 'stop' | 'fail';
  /** How long the journal may become; in MiB; default 1024. */
  readonly journal_max?: number;
  /** How many of the last commands the request log keeps; 0: no log; in commands; default 0. */
  readonly log?: number;
  /** Largest request; longer ones are split; in sectors of 512 bytes; default 0; 0 (no limit of its own) or at least 8; rounded down to whole blocks. */
  readonly max_sectors?: number;
  /** Bandwidth limit; in MiB/s; default 0; 0 (no limit) or more; clamped to 40960. */
  readonly mbps?: number;
  /** Keep data in RAM; without it writes vanish and reads give zeros; default false. */
  readonly memory_backed?: Bit;
  /** No I/O scheduler by default; any number but 0 is true; default false. */
  readonly no_sched?: Bit;
  /** Queues whose completions are polled for, beside the submit queues; default 0; 0..cpus; more becomes cpus; as an attribute at most the parameter. */
  readonly poll_queues?: number;
  /** How requests reach the driver; default 2; 2 (multiqueue); 0 becomes 2, 1 is no longer available. */
  readonly queue_mode?: number;
  /** Report the device as a rotating disk; default false. */
  readonly rotational?: Bit;
  /** One bitmap of tags for all hardware queues of a device; default false. */
  readonly shared_tag_bitmap?: Bit;
  /** One tag set for all devices; default false. */
  readonly shared_tags?: Bit;
  /** Capacity of a device in MiB, gb * 1024 when not given; in MiB; default 4096. */
  readonly size?: number;
  /** Exact capacity of a device (1000001, 10G); overrides size and gb; in bytes; default 0; 0 (size or gb decides) or any size; from 2^53 on without memory_backed and zoned. */
  readonly size_bytes?: number | bigint | string;
  /** Hardware submit queues; default 1; 1..cpus; 0 becomes 1, more or negative becomes cpus. */
  readonly submit_queues?: number;
  /** One submit queue for each NUMA node; default false. */
  readonly use_per_node_hctx?: Bit;
  /** Segments may meet at page boundaries only; requests with gaps are split; default false. */
  readonly virt_boundary?: Bit;
  /** Largest zone append; in sectors of 512 bytes; default 2147483647; 0 (no native append) or more; rounded down to whole blocks, at most a zone. */
  readonly zone_append_max_sectors?: number;
  /** Usable part of a zone; in MiB; default 0; at most zone_size, and equal to it if the last zone is short; 0 is zone_size. */
  readonly zone_capacity?: number;
  /** Sequential zones start full; default false. */
  readonly zone_full?: Bit;
  /** Limit of active zones; default 0; 0 (no limit) or more; all sequential zones become 0. */
  readonly zone_max_active?: number;
  /** Limit of open zones; default 0; 0 (no limit) or more; all sequential zones become 0, more than zone_max_active becomes zone_max_active. */
  readonly zone_max_open?: number;
  /** Conventional zones at the start; default 0; 0 or more; the number of zones or more becomes one less. */
  readonly zone_nr_conv?: number;
  /** Write only: the zone of this sector goes offline, or becomes empty again; a sector number. */
  readonly zone_offline?: number;
  /** Write only: the zone of this sector becomes read-only, or empty again; a sector number. */
  readonly zone_readonly?: number;
  /** Length of a zone; in MiB; default 256; a power of two, at most the capacity. */
  readonly zone_size?: number;
  /** A host-managed zoned device; default false. */
  readonly zoned?: Bit;
  /** Requests that are never completed; interval,probability,space,times; times -1 means no limit. */
  readonly timeout_inject?: string;
  /** The interval of that group. */
  readonly 'timeout_inject/interval'?: number;
  /** The probability of that group. */
  readonly 'timeout_inject/probability'?: number;
  /** The space of that group. */
  readonly 'timeout_inject/space'?: number;
  /** The times of that group. */
  readonly 'timeout_inject/times'?: number;
  /** Requests that are put back into their queue; interval,probability,space,times; times -1 means no limit. */
  readonly requeue_inject?: string;
  /** The interval of that group. */
  readonly 'requeue_inject/interval'?: number;
  /** The probability of that group. */
  readonly 'requeue_inject/probability'?: number;
  /** The space of that group. */
  readonly 'requeue_inject/space'?: number;
  /** The times of that group. */
  readonly 'requeue_inject/times'?: number;
  /** Hardware queues that fail to start; interval,probability,space,times; times -1 means no limit. */
  readonly init_hctx_fault_inject?: string;
  /** The interval of that group. */
  readonly 'init_hctx_fault_inject/interval'?: number;
  /** The probability of that group. */
  readonly 'init_hctx_fault_inject/probability'?: number;
  /** The space of that group. */
  readonly 'init_hctx_fault_inject/space'?: number;
  /** The times of that group. */
  readonly 'init_hctx_fault_inject/times'?: number;
  /** 1 (true): the device is served. */
  readonly power?: Bit;
}

/** A device, and what it begins as. */
export interface NewDevice extends Attributes {
  /** The path of a file whose content it has. */
  readonly image?: string;
  /** NAME or NAME@SNAPSHOT: what is not named is as there. */
  readonly clone?: string;
}

/** False is 0, true is 1. */
export type Bit = boolean | 0 | 1;
