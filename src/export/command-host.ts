/** What a command in flight needs from its session. */

import type { SlabAllocator } from '../pages/allocator.ts';
import type { ScratchPool } from '../pages/scratch.ts';
import type { ClientJournal } from './client-journal.ts';
import type { NbdExport } from './nbd-export.ts';
import type { QueueMap } from './queue-map.ts';
import type { ReplySink } from './reply-sink.ts';

export interface CommandHost {
  readonly export: NbdExport;
  readonly sink: ReplySink;
  /** The same; undefined: nothing is written down. */
  readonly journal: ClientJournal | undefined;
  /** Into the log of requests. @param logged the command's number there. @param error of its reply; 0: success. */
  readonly answered: (logged: number, error: number) => void;
  readonly allocator: SlabAllocator;
  readonly scratch: ScratchPool;
  readonly queues: QueueMap;
  readonly completesInline: boolean;
  /** Reads up to this length are copied behind their header, and are one chunk. */
  readonly copyMax: number;
}
