/** How a request ends: the block layer's statuses and the errno that a user of the device sees.
 *  Source: driver.md section 3. The numbers are Linux's blk_status_t. */

export const Status = {
  OK: 0,
  NOTSUPP: 1,
  TIMEOUT: 2,
  NOSPC: 3,
  RESOURCE: 9,
  IOERR: 10,
  DEV_RESOURCE: 13,
  ZONE_OPEN_RESOURCE: 14,
  ZONE_ACTIVE_RESOURCE: 15,
  OFFLINE: 16,
  INVAL: 19,
  /** From here on not the kernel's: statuses that only a fault rule can name. */
  PERM: 64,
  NOMEM: 65,
  OVERFLOW: 66,
  UNSUPPORTED: 67,
  SHUTDOWN: 68,
} as const;

export type Status = (typeof Status)[keyof typeof Status];

/** What a user sees; `retried` statuses never reach one: the request is issued again. */
export const statusErrno = {
  [Status.OK]: 'OK',
  [Status.NOTSUPP]: 'EOPNOTSUPP',
  [Status.TIMEOUT]: 'ETIMEDOUT',
  [Status.NOSPC]: 'ENOSPC',
  [Status.RESOURCE]: 'retried',
  [Status.IOERR]: 'EIO',
  [Status.DEV_RESOURCE]: 'retried',
  [Status.ZONE_OPEN_RESOURCE]: 'ETOOMANYREFS',
  [Status.ZONE_ACTIVE_RESOURCE]: 'EOVERFLOW',
  [Status.OFFLINE]: 'ENODEV',
  [Status.INVAL]: 'EINVAL',
  [Status.PERM]: 'EPERM',
  [Status.NOMEM]: 'ENOMEM',
  [Status.OVERFLOW]: 'EOVERFLOW',
  [Status.UNSUPPORTED]: 'EOPNOTSUPP',
  [Status.SHUTDOWN]: 'ESHUTDOWN',
} as const satisfies Record<Status, string>;

/** True for the statuses that mean: not taken now, issue it again later. */
export function isResource(status: Status): boolean {
  return status === Status.RESOURCE || status === Status.DEV_RESOURCE;
}
