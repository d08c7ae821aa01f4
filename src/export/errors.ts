/** Block-layer statuses as NBD errors. Source: driver.md section 3; nbd-protocol.md section 1. */

import { NbdError } from 'nbd-server-protocol-ts';
import { Status } from '../block/status.ts';

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
} as const satisfies Record<Status, Meaning>;

/** The NBD error and a text for humans. */
export function nbdMeaning(status: Status): Meaning {
  return meanings[status];
}
