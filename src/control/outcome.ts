/** How a request of the control side ended, in words. Source: control.md section 3 (Errors). */

import { statusErrno } from '../block/status.ts';
import { ErrnoError } from '../config/errors.ts';
import type { Outcome } from '../driver/control-requests.ts';
import type { NullDevice } from '../driver/null-device.ts';
import { bug } from '../units.ts';

/** What a status means, where the device has no sentence of its own. */
const meanings = {
  EOPNOTSUPP: 'the device does not do this',
  ETIMEDOUT: 'timed out',
  ENOSPC: 'no memory is left',
  EIO: 'failed',
  ENOMEM: 'out of memory',
  EPERM: 'not permitted',
  ESHUTDOWN: 'the server shuts down',
  ETOOMANYREFS: 'too many zones are open',
  EOVERFLOW: 'too many zones are active',
  ENODEV: 'the device is off',
  EINVAL: 'not of this device',
} as const;

/** @throws ErrnoError for a failure of `what`. */
export function checkOutcome(device: NullDevice, what: string, { status, reason }: Outcome): void {
  const errno = statusErrno[status];
  if (errno === 'OK') return;
  if (errno === 'retried') bug(`${what}: a status that means "again" left the block layer`);
  throw new ErrnoError(errno, `${device.name}: ${reason ?? `${what}: ${meanings[errno]}`}`);
}
