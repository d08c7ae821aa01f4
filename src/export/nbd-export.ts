/** A disk as NBD names and describes it: export name, size, transmission flags, block sizes.
 *  Source: nbd-protocol.md sections 1 and 3.4; driver.md (features decide the flags). */

import type { ExportInfo } from 'nbd-server-protocol-ts';
import { TransmissionFlag } from 'nbd-server-protocol-ts';
import type { Disk } from '../block/disk.ts';
import { MiB, toBytes } from '../units.ts';
import { WriteLock } from './write-lock.ts';

/** The longest payload of a READ or WRITE, in bytes: 64 MiB, as the kernel and libnbd may send. */
export const PAYLOAD_MAX = 64 * MiB;

const PREFERRED_BLOCK = 4096;

export class NbdExport implements ExportInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly flags: number;
  readonly description: string;
  readonly blockSize: ExportInfo['blockSize'];
  readonly disk: Disk;
  /** Orders writes below the block size against all other writes of this export. */
  readonly writeLock = new WriteLock();
  #connections = 0;

  constructor(disk: Disk) {
    this.disk = disk;
    this.name = disk.name;
    this.size = toBytes(disk.capacity);
    this.flags = transmissionFlags(disk);
    this.description = `tnull ${disk.name}`;
    // Requests below the block size are served by read-modify-write, so any byte may be addressed.
    this.blockSize = {
      minimum: 1,
      preferred: Math.max(PREFERRED_BLOCK, disk.limits.blockBytes),
      maximumPayload: PAYLOAD_MAX,
    };
  }

  /** A number for each connection in turn, to spread them over the hardware queues. */
  nextConnection(): number {
    return this.#connections++;
  }
}

/** FLUSH and FUA are always offered: without a volatile cache every write is as durable as it gets
 *  when its reply is sent, so both are true at no cost, and clients that insist on them work. */
function transmissionFlags(disk: Disk): number {
  const { rotational, discard } = disk.features;
  return (
    TransmissionFlag.HAS_FLAGS |
    TransmissionFlag.SEND_FLUSH |
    TransmissionFlag.SEND_FUA |
    TransmissionFlag.SEND_WRITE_ZEROES |
    TransmissionFlag.SEND_DF |
    TransmissionFlag.CAN_MULTI_CONN |
    (rotational ? TransmissionFlag.ROTATIONAL : 0) |
    (discard ? TransmissionFlag.SEND_TRIM : 0)
  );
}
