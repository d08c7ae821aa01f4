/** What the calls of the control API answer. Source: docs/control.md. */

// Made by `npm run docs` out of the tables: not to be changed here.

/** The program, its devices and where it listens. */
export type RootAnswer = {
  readonly name: string;
  readonly version: string;
  readonly features: string;
  readonly devices: readonly string[];
  readonly listen: readonly string[];
  readonly memory: {
    readonly limitBytes: number | null;
    readonly usedBytes: number;
  };
};

/** The daemon serves; no token is asked for. */
export type HealthAnswer = {
  readonly status: string;
};

/** Every device. */
export type DevicesAnswer = readonly DeviceAnswer[];

/** The powered devices: URIs, clients and requests in flight. */
export type ExportsAnswer = readonly ({
  readonly device: string;
  readonly uris: readonly string[];
  /** Several connections may share it. */
  readonly multiConn: boolean;
  readonly clients: number;
  readonly inFlight: number;
})[];

/** Make a device, or with clone one that begins as another; with power 1 it is powered last. */
export type CreateAnswer = DeviceAnswer;

/** All attributes of a device. */
export type DeviceAnswer = {
  readonly name: string;
  /** `start length` lines, in sectors. */
  readonly badblocks: string;
  readonly badblocks_once: number;
  readonly badblocks_partial_io: number;
  readonly blocking: number;
  readonly blocksize: number;
  readonly cache_size: number;
  readonly completion_nsec: number;
  readonly discard: number;
  readonly fua: number;
  readonly home_node: number;
  readonly hw_queue_depth: number;
  readonly index: number;
  readonly init_hctx_fault_inject: string;
  readonly 'init_hctx_fault_inject/interval': number;
  readonly 'init_hctx_fault_inject/probability': number;
  readonly 'init_hctx_fault_inject/space': number;
  readonly 'init_hctx_fault_inject/times': number;
  readonly irqmode: number;
  readonly journal: number;
  readonly journal_file: string;
  readonly journal_full: 'stop' | 'fail';
  readonly journal_max: number;
  readonly log: number;
  readonly max_sectors: number;
  readonly mbps: number;
  readonly memory_backed: number;
  readonly no_sched: number;
  readonly poll_queues: number;
  readonly power: number;
  readonly queue_mode: number;
  readonly requeue_inject: string;
  readonly 'requeue_inject/interval': number;
  readonly 'requeue_inject/probability': number;
  readonly 'requeue_inject/space': number;
  readonly 'requeue_inject/times': number;
  readonly rotational: number;
  readonly shared_tag_bitmap: number;
  readonly shared_tags: number;
  readonly size: number;
  readonly size_bytes: number | string;
  readonly submit_queues: number;
  readonly timeout_inject: string;
  readonly 'timeout_inject/interval': number;
  readonly 'timeout_inject/probability': number;
  readonly 'timeout_inject/space': number;
  readonly 'timeout_inject/times': number;
  readonly use_per_node_hctx: number;
  readonly virt_boundary: number;
  readonly zone_append_max_sectors: number;
  readonly zone_capacity: number;
  readonly zone_full: number;
  readonly zone_max_active: number;
  readonly zone_max_open: number;
  readonly zone_nr_conv: number;
  readonly zone_size: number;
  readonly zoned: number;
};

/** Set attributes, all or none; power is last. */
export type PatchAnswer = DeviceAnswer;

/** Zone report, from the zone that holds a sector. */
export type ZonesAnswer = {
  readonly zones: readonly ({
    readonly start: number;
    readonly length: number;
    readonly capacity: number;
    /** -1: none. */
    readonly writePointer: number;
    readonly type: 'conventional' | 'sequential';
    readonly condition: 'not-wp' | 'empty' | 'implicit-open' | 'explicit-open' | 'closed' | 'read-only' | 'full' | 'offline';
  })[];
};

/** Write at the write pointer of the zone that begins at sector. */
export type AppendAnswer = {
  readonly sector: number;
};

/** Counters, latencies, memory, zones and tags. */
export type StatsAnswer = {
  readonly operations: {
    readonly read: {
      readonly requests: number;
      readonly bytes: number | string;
      readonly latencyNs: {
        readonly p50: number;
        readonly p90: number;
        readonly p99: number;
        readonly p999: number;
        readonly max: number;
        readonly mean: number;
      };
    };
    readonly write: {
      readonly requests: number;
      readonly bytes: number | string;
      readonly latencyNs: {
        readonly p50: number;
        readonly p90: number;
        readonly p99: number;
        readonly p999: number;
        readonly max: number;
        readonly mean: number;
      };
    };
    readonly discard: {
      readonly requests: number;
      readonly bytes: number | string;
      readonly latencyNs: {
        readonly p50: number;
        readonly p90: number;
        readonly p99: number;
        readonly p999: number;
        readonly max: number;
        readonly mean: number;
      };
    };
    readonly 'write-zeroes': {
      readonly requests: number;
      readonly bytes: number | string;
      readonly latencyNs: {
        readonly p50: number;
        readonly p90: number;
        readonly p99: number;
        readonly p999: number;
        readonly max: number;
        readonly mean: number;
      };
    };
    readonly flush: {
      readonly requests: number;
      readonly bytes: number | string;
      readonly latencyNs: {
        readonly p50: number;
        readonly p90: number;
        readonly p99: number;
        readonly p999: number;
        readonly max: number;
        readonly mean: number;
      };
    };
    readonly zone: {
      readonly requests: number;
      readonly bytes: number | string;
      readonly latencyNs: {
        readonly p50: number;
        readonly p90: number;
        readonly p99: number;
        readonly p999: number;
        readonly max: number;
        readonly mean: number;
      };
    };
  };
  readonly errors: Readonly<Record<string, number>>;
  readonly memory: {
    readonly heldBytes: number;
    readonly idleBytes: number;
  };
  readonly cache: {
    readonly sizeBytes: number;
    readonly usedBytes: number;
  } | null;
  readonly zones: {
    readonly count: number;
    readonly open: number;
    readonly active: number;
  } | null;
  readonly tags: {
    readonly depth: number;
    readonly queues: number;
    readonly inUse: number;
  };
  readonly badBlockRanges: number;
  readonly faults: readonly ({
    readonly rule: string;
    readonly action: string;
    readonly matched: number;
    readonly struck: number;
  })[];
};

/** How many requests took how long: the ends of buckets in ns, and counts. */
export type LatenciesAnswer = {
  readonly read: readonly (readonly number[])[];
  readonly write: readonly (readonly number[])[];
  readonly discard: readonly (readonly number[])[];
  readonly 'write-zeroes': readonly (readonly number[])[];
  readonly flush: readonly (readonly number[])[];
  readonly zone: readonly (readonly number[])[];
};

/** What lies where, in cells: sectors with data, in the write cache, bad; zones. */
export type MapAnswer = {
  readonly from: number;
  readonly sectorsPerCell: number;
  /** Sectors that hold data, by cell. */
  readonly data: readonly number[];
  /** Of these, in the write cache. */
  readonly cached: readonly number[];
  /** Bad sectors. */
  readonly bad: readonly number[];
  readonly zones: readonly ('not-wp' | 'empty' | 'implicit-open' | 'explicit-open' | 'closed' | 'read-only' | 'full' | 'offline')[] | null;
};

/** Requests in flight. */
export type RequestsAnswer = readonly ({
  readonly tag: number;
  readonly queue: number;
  readonly command: string;
  readonly sector: number | string;
  readonly sectors: number | string;
  readonly state: 'issued' | 'started' | 'held';
  readonly count: number;
  readonly ageNs: number;
  /** That has it hang. */
  readonly rule?: string;
})[];

/** Clients that have agreed on the export and are still there, the first that came first. */
export type ClientsAnswer = readonly ({
  /** Its number among the clients of the device, as rules have it. */
  readonly client: number;
  /** Its number in the log of the daemon. */
  readonly connection: number;
  /** Its address, or 'unix'. */
  readonly from: string;
  /** Their form: simple, structured or extended. */
  readonly replies: string;
  /** Metadata contexts. */
  readonly contexts: readonly string[];
  readonly tls: boolean;
  /** When it came: ISO 8601, UTC. */
  readonly since: string;
})[];

/** The rules, with their counts. */
export type FaultsAnswer = {
  readonly seed: string;
  readonly state: number;
  readonly paused: boolean;
  readonly replaying: boolean;
  readonly rules: readonly ({
    readonly id: string;
    readonly words: Readonly<Record<string, string | number>>;
    readonly matched: number;
    readonly struck: number;
    readonly left: number | null;
    /** Commands that hang by it. */
    readonly held: number;
    /** It has met too much to count, and strikes no more. */
    readonly exhausted: boolean;
  })[];
};

/** Seed and rules, as they can be loaded again. */
export type FaultPlanAnswer = {
  readonly seed: string;
  readonly rules: readonly (Readonly<Record<string, unknown>>)[];
};

/** Replace all rules by a plan, all or nothing. */
export type LoadFaultsAnswer = {
  readonly rules: number;
  readonly notices: readonly string[];
};

/** One more rule, behind the others or before one of them. */
export type AddFaultAnswer = {
  readonly id: string;
  readonly words: Readonly<Record<string, string | number>>;
  readonly matched: number;
  readonly struck: number;
  readonly left: number | null;
  /** Commands that hang by it. */
  readonly held: number;
  /** It has met too much to count, and strikes no more. */
  readonly exhausted: boolean;
  readonly notices: readonly string[];
};

/** Release commands that hang. */
export type ReleaseFaultsAnswer = {
  readonly released: number;
};

/** A line of: What the rules did, one entry per line. */
export type FaultLogLine = {
  /** From 1 on, without gaps. */
  readonly seq: number;
  /** Since power on. */
  readonly ns: number;
  /** Its id. */
  readonly rule: string;
  readonly action: string;
  readonly op: string;
  /** Of 512 bytes. */
  readonly sector: number;
  readonly sectors: number;
  readonly client: number;
  readonly occurrence: number;
  /** What was drawn or done: errno, delay, blocks kept, bits flipped. */
  readonly detail: Readonly<Record<string, string | number>>;
};

/** Strike exactly what a log names, instead of what triggers decide. */
export type ReplayFaultsAnswer = {
  readonly entries: number;
};

/** A line of: The last commands of clients, one per line, with log=N. */
export type RequestLogLine = {
  /** From 1 on, without gaps, as long as the device is there. */
  readonly seq: number;
  /** Ns since power on. */
  readonly arrived: number;
  readonly answered: number | null;
  readonly ns: number | null;
  readonly op: 'read' | 'write' | 'write_zeroes' | 'discard' | 'flush' | 'cache' | 'block_status' | 'unknown' | 'zone_append' | 'zone_open' | 'zone_close' | 'zone_finish' | 'zone_reset' | 'zone_reset_all';
  /** Of 512 bytes: the first one that it touches. */
  readonly sector: number;
  readonly sectors: number;
  /** Bytes, as the client gave it. */
  readonly offset: number;
  readonly bytes: number;
  readonly flags: readonly string[];
  /** As rules count them; 0: the control side. */
  readonly client: number;
  readonly status: string | null;
} | {
  /** So many commands are not kept any more. */
  readonly dropped: number;
};

/** Keep what the device holds now: data, bad blocks, zones, cache. */
export type TakeSnapshotAnswer = {
  readonly name: string;
};

/** The snapshots, the oldest first. */
export type SnapshotsAnswer = readonly ({
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Memory that only it holds. */
  readonly ownBytes: number;
})[];

/** The power goes at once: no replies, broken connections, and what the cut leaves. */
export type CutAnswer = {
  /** What was kept; by it the same can be had again. */
  readonly image: string;
  /** Blocks of the cache that are on the disk now. */
  readonly kept: number;
  /** Blocks of the cache that are lost. */
  readonly lost: number;
  readonly power: number;
};

/** The sectors of two devices or snapshots that differ. */
export type DiffAnswer = readonly ({
  readonly first: number;
  readonly sectors: number;
})[];

/** The URL of the page, good for one use; HTTP is started if there is none. By the socket alone. */
export type OpenPageAnswer = {
  readonly url: string;
};

/** A token for as long as the daemon lives, for one that was good for one use. */
export type PageSessionAnswer = {
  readonly token: string;
};
