/** What happens to devices and their clients. Source: docs/events.md. */

// Made by `npm run docs` out of the tables: not to be changed here.

/** What can happen, as `type` says. */
export type ServerEvent =
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'created';
      readonly device: string;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'removed';
      readonly device: string;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'power';
      readonly device: string;
      readonly power: number;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'attributes';
      readonly device: string;
      /** What was written, by name; long values are cut. */
      readonly attributes: Readonly<Record<string, string>>;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'connected';
      readonly device: string;
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
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'disconnected';
      readonly device: string;
      /** Its number among the clients of the device, as rules have it. */
      readonly client: number;
      /** Its number in the log of the daemon. */
      readonly connection: number;
      /** Its address, or 'unix'. */
      readonly from: string;
      /** 'client': it left; else why, or the error of its socket. */
      readonly reason: string;
      /** The server has ended it. */
      readonly cutOff: boolean;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'fault';
      readonly device: string;
      /** Its id. */
      readonly rule: string;
      /** `exhausted`: it met too much to count, and is over. */
      readonly action: string;
      readonly op: string;
      /** Of 512 bytes. */
      readonly sector: number;
      /** Of 512 bytes. */
      readonly sectors: number;
      /** Its number among the clients of the device, as rules have it. */
      readonly client: number;
      readonly occurrence: number;
      /** What was drawn or done: errno, delay, blocks kept, bits flipped. */
      readonly detail: Readonly<Record<string, string | number>>;
      /** Of the entry in the log of the faults. */
      readonly seq: number;
      /** Since power on. */
      readonly ns: number;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'error';
      readonly device: string;
      /** Its number among the clients of the device, as rules have it. */
      readonly client: number;
      /** The command of the protocol. */
      readonly op: string;
      /** In bytes, as the client named it. */
      readonly offset: number | string;
      /** Likewise. */
      readonly bytes: number | string;
      /** As the client gets it. */
      readonly errno: string;
      /** In words. */
      readonly reason: string;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'zone';
      readonly device: string;
      /** Its number. */
      readonly zone: number;
      /** Where it begins, in sectors of 512 bytes. */
      readonly sector: number;
      readonly from: 'not-wp' | 'empty' | 'implicit-open' | 'explicit-open' | 'closed' | 'read-only' | 'full' | 'offline';
      readonly to: 'not-wp' | 'empty' | 'implicit-open' | 'explicit-open' | 'closed' | 'read-only' | 'full' | 'offline';
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'snapshot';
      readonly device: string;
      readonly snapshot: string;
      readonly did: 'taken' | 'destroyed' | 'rolled back';
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'journal';
      readonly device: string;
      /** In words, as in the log. */
      readonly reason: string;
    }
  | {
      /** From 1 on since the daemon began. */
      readonly id: number;
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'cut';
      readonly device: string;
      readonly by: 'command' | 'rule';
      /** What was kept: by it the same can be had again. */
      readonly image: string;
      /** Blocks of the cache, or that might have been otherwise. */
      readonly kept: number;
      readonly lost: number;
    }
  | {
      /** ISO 8601, UTC. */
      readonly time: string;
      readonly type: 'lost';
      /** So many events of this daemon are missing here, at most. */
      readonly count: number;
      /** The listener has heard a daemon before this one: its last events are missing, too. */
      readonly restarted: boolean;
    };
