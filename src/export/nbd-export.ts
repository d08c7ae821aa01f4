/** A disk as NBD names and describes it: export name, size, transmission flags, block sizes.
 *  Source: nbd-protocol.md sections 1 and 3.4. */

import type { ExportInfo } from 'nbd-server-protocol-ts';
import { TransmissionFlag } from 'nbd-server-protocol-ts';
import type { Disk } from '../block/disk.ts';
import { SECTOR_BYTES } from '../units.ts';
import { type Context, contextsOf } from './contexts.ts';
import { type ExternalWriters, WriteLock } from './write-lock.ts';

const PREFERRED_BLOCK = 4096;

/** emulate: parts of blocks are written by read-modify-write, so any byte may be addressed; not on zones,
 *  where a block is written once and at the write pointer. error: they are refused. */
export const alignments = ['emulate', 'error'] as const;
export type Alignment = (typeof alignments)[number];

/** always: FLUSH, and FUA unless a cache without FUA is there; if nothing is volatile, both hold at no cost.
 *  cache: as the features of the disk's queue say. */
export const flushOffers = ['always', 'cache'] as const;
export type FlushOffer = (typeof flushOffers)[number];

/** What clients may do, whatever the disk can do. */
export interface ExportRules {
  /** Which disks offer FLUSH and FUA. @default always */
  readonly offerFlush?: FlushOffer;
  /** What happens to requests for parts of blocks. @default emulate */
  readonly alignment?: Alignment;
  /** Refuses everything that writes. @default false */
  readonly readOnly?: boolean;
}

/** A disk whose requests threads for sockets may execute. */
export interface SharedDisk extends ExternalWriters {
  /** The number by which the threads know it. */
  readonly id: number;
  /** True while they may. */
  readonly enabled: boolean;
}

export class NbdExport implements ExportInfo {
  readonly name: string;
  /** Bytes, exactly: a bigint from 2^53 on. */
  readonly size: number | bigint;
  readonly flags: number;
  readonly description: string;
  readonly blockSize: ExportInfo['blockSize'];
  readonly disk: Disk;
  /** Orders writes below the block size against all other writes of this export. */
  readonly writeLock: WriteLock;
  /** Undefined: threads for sockets execute none of its requests. */
  readonly shared: SharedDisk | undefined;
  /** Clients that use it, or whose last commands still run. */
  readonly sessions = new Set<object>();
  /** Bytes: writes are multiples of it; 1 if parts of blocks are served. */
  readonly writeAlignment: number;
  /** The same for all other commands. */
  readonly alignment: number;
  /** The metadata contexts that it offers. */
  readonly contexts: readonly Context[];
  /** Bytes: the longest payload of a READ or WRITE. */
  readonly payloadMax: number;
  /** Bytes of the disk's blocks. */
  readonly blockBytes: number;
  #connections = 0;
  #ended: (() => void) | undefined;

  constructor(disk: Disk, payloadMax: number, rules: ExportRules = {}, shared?: SharedDisk) {
    const { alignment = 'emulate', readOnly = false, offerFlush = 'always' } = rules;
    this.disk = disk;
    this.shared = shared;
    this.writeLock = new WriteLock(shared);
    this.payloadMax = payloadMax;
    this.blockBytes = disk.limits.blockBytes;
    this.name = disk.name;
    this.size = disk.size;
    this.flags =
      flushFlags(disk, offerFlush) | (readOnly ? readOnlyFlags(disk) : transmissionFlags(disk));
    disk.journal?.offered({
      cache: (this.flags & TransmissionFlag.SEND_FLUSH) !== 0,
      fua: (this.flags & TransmissionFlag.SEND_FUA) !== 0,
      multiConnection: this.multiConnection,
    });
    this.description = `tnull ${disk.name}`;
    // Requests below the block size are served by read-modify-write, so any byte may be addressed;
    // not on zones, where a block is written once and at the write pointer.
    this.contexts = contextsOf(disk);
    this.alignment = alignment === 'error' ? disk.limits.blockBytes : 1;
    this.writeAlignment = disk.features.zoned ? disk.limits.blockBytes : this.alignment;
    this.blockSize = {
      minimum: this.writeAlignment,
      preferred: Math.max(PREFERRED_BLOCK, disk.limits.blockBytes),
      maximumPayload: advisedPayload(disk, payloadMax),
    };
  }

  /** Whether several connections may share it. */
  get multiConnection(): boolean {
    return (this.flags & TransmissionFlag.CAN_MULTI_CONN) !== 0;
  }

  /** True when written data may be lost until they are flushed, or rules watch for flushes. */
  get volatile(): boolean {
    const { features, queue } = this.disk;
    return features.writeCache || queue.hasFront;
  }

  /** Resolves when no session uses it any more. */
  whenUnused(): Promise<void> {
    if (this.sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  /** A session's client is gone and its last command has ended. */
  ended(session: object): void {
    this.sessions.delete(session);
    if (this.sessions.size === 0) this.#ended?.();
  }

  /** A number for each connection in turn, which spreads them over the hardware queues. */
  nextConnection(): number {
    return this.#connections++;
  }
}

/** The recommended maximum of a request: longer ones are split, never refused.
 *  Source: parameter max_sectors; rnull-series 74, 75. */
function advisedPayload(disk: Disk, payloadMax: number): number {
  const { maxSectors, blockBytes } = disk.limits;
  if (maxSectors === 0) return payloadMax;
  const least = Math.max(PREFERRED_BLOCK, blockBytes);
  const wanted = maxSectors * SECTOR_BYTES;
  return Math.min(payloadMax, Math.max(least, wanted - (wanted % least)));
}

/** Only a volatile cache needs them: `cache` is the kernel's write_cache and fua. */
function flushFlags(disk: Disk, offer: FlushOffer): number {
  const { SEND_FLUSH, SEND_FUA } = TransmissionFlag;
  const { writeCache, fua } = disk.features;
  if (writeCache) return fua ? SEND_FLUSH | SEND_FUA : SEND_FLUSH;
  return offer === 'always' ? SEND_FLUSH | SEND_FUA : 0;
}

/** Several connections would lose the order in which zones must be written. */
function transmissionFlags(disk: Disk): number {
  const { rotational, discard, zoned, fastZeroes } = disk.features;
  return (
    TransmissionFlag.HAS_FLAGS |
    TransmissionFlag.SEND_WRITE_ZEROES |
    TransmissionFlag.SEND_DF |
    TransmissionFlag.SEND_CACHE |
    TransmissionFlag.BLOCK_STATUS_PAYLOAD |
    (fastZeroes ? TransmissionFlag.SEND_FAST_ZERO : 0) |
    (zoned ? 0 : TransmissionFlag.CAN_MULTI_CONN) |
    (rotational ? TransmissionFlag.ROTATIONAL : 0) |
    (discard ? TransmissionFlag.SEND_TRIM : 0)
  );
}

/** Nothing that writes is offered. Reads need no order, so several connections are fine on zones, too. */
function readOnlyFlags(disk: Disk): number {
  const { READ_ONLY, CAN_MULTI_CONN, HAS_FLAGS, SEND_DF, SEND_CACHE } = TransmissionFlag;
  const kept = HAS_FLAGS | SEND_DF | SEND_CACHE | TransmissionFlag.BLOCK_STATUS_PAYLOAD;
  const rotational = transmissionFlags(disk) & TransmissionFlag.ROTATIONAL;
  return kept | rotational | READ_ONLY | CAN_MULTI_CONN;
}
