/** The errors that a rule can name, as the block layer's statuses. Source: faults.md section 1 (error). */

import { Status } from '../../block/status.ts';
import type { ErrnoName } from '../../rules/actions.ts';

const statuses: Readonly<Record<ErrnoName, Status>> = {
  EPERM: Status.PERM,
  EIO: Status.IOERR,
  ENOMEM: Status.NOMEM,
  EINVAL: Status.INVAL,
  ENOSPC: Status.NOSPC,
  EOVERFLOW: Status.OVERFLOW,
  ENOTSUP: Status.UNSUPPORTED,
  ESHUTDOWN: Status.SHUTDOWN,
};

export function ruleStatus(errno: ErrnoName): Status {
  return statuses[errno];
}
