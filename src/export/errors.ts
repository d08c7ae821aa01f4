/** Block-layer statuses as NBD errors. Source: driver.md section 3; nbd-protocol.md section 1. */

import { NbdError } from 'nbd-server-protocol-ts';
import type { Bio } from '../block/bio.ts';
import { Status } from '../block/status.ts';
import { SECTOR_BYTES } from '../units.ts';

interface Meaning {
  readonly error: number;
  readonly text: string;
}

const meanings = {
  [Status.OK]: { error: 0, text: '' },
  [Status.NOTSUPP]: { error: NbdError.EINVAL, text: 'the device does not support this command' },
  [Status.TIMEOUT]: { error: NbdError.EIO, text: 'the request timed out' },
  [Status.NOSPC]: { error: NbdError.ENOSPC, text: 'no memory left to store the data' },
  [Status.RESOURCE]: { error: NbdError.EIO, text: 'out of resources' },
  [Status.IOERR]: { error: NbdError.EIO, text: 'I/O error' },
  [Status.DEV_RESOURCE]: { error: NbdError.EIO, text: 'the device is out of resources' },
  [Status.ZONE_OPEN_RESOURCE]: { error: NbdError.EIO, text: 'too many open zones' },
  [Status.ZONE_ACTIVE_RESOURCE]: { error: NbdError.EIO, text: 'too many active zones' },
  [Status.OFFLINE]: { error: NbdError.EIO, text: 'the device is offline' },
  [Status.INVAL]: { error: NbdError.EINVAL, text: 'invalid request' },
  [Status.PERM]: { error: NbdError.EPERM, text: 'not permitted' },
  [Status.NOMEM]: { error: NbdError.ENOMEM, text: 'out of memory' },
  [Status.OVERFLOW]: { error: NbdError.EOVERFLOW, text: 'value too large' },
  [Status.UNSUPPORTED]: { error: NbdError.ENOTSUP, text: 'not supported' },
  [Status.SHUTDOWN]: { error: NbdError.ESHUTDOWN, text: 'the server shuts down' },
} as const satisfies Record<Status, Meaning>;

/** The NBD error and a text for humans. */
export function nbdMeaning(status: Status): Meaning {
  return meanings[status];
}

/** Where in the client's range of `length` bytes `bio` failed, counted from its beginning. -1: unknown, in a
 *  part of a block that the client did not name, or so far behind that it would be rounded.
 *  @param head bytes from the bio's beginning to the range's. */
export function deltaOf(bio: Bio, head: number, length: number): number {
  if (bio.failedAt < 0) return -1;
  const delta = Math.max(0, (bio.failedAt - bio.sector) * SECTOR_BYTES - head);
  return delta < length && Number.isSafeInteger(delta) ? delta : -1;
}
