/** Errors as the API answers them: an errno, a sentence, and the HTTP status that goes with it.
 *  Source: control.md section 3. */

import { type Errno, ErrnoError } from '../config/errors.ts';

/** The kernel's names, and one for a text that is too long. */
export type ApiErrno = Errno | 'E2BIG';

const statuses = {
  EINVAL: 400,
  ERANGE: 400,
  EACCES: 403,
  ENOENT: 404,
  EOPNOTSUPP: 405,
  EEXIST: 409,
  EBUSY: 409,
  E2BIG: 413,
  EIO: 422,
  EPERM: 422,
  ESHUTDOWN: 422,
  ETOOMANYREFS: 422,
  EOVERFLOW: 422,
  ENODEV: 422,
  ENOSPC: 422,
  ENOMEM: 422,
  ETIMEDOUT: 422,
} as const satisfies Record<ApiErrno, number>;

export interface ErrorBody {
  readonly errno: ApiErrno;
  readonly message: string;
  readonly attribute?: string;
}

/** A refusal for a reason of HTTP, with a status that does not follow from the errno. */
export class HttpError extends Error {
  readonly status: number;
  readonly errno: ApiErrno;

  constructor(status: number, errno: ApiErrno, message: string) {
    super(message);
    this.status = status;
    this.errno = errno;
  }
}

export interface Answer {
  readonly status: number;
  readonly body: ErrorBody;
  /** Not the client's mistake: to be logged. */
  readonly bug: boolean;
}

/** What a client is told about `error`. */
export function answerOf(error: unknown): Answer {
  if (error instanceof ErrnoError) {
    const { errno, message, attribute } = error;
    const body = { errno, message, ...(attribute === undefined ? {} : { attribute }) };
    return { status: statuses[errno], body, bug: false };
  }
  if (error instanceof HttpError) {
    const { errno, message } = error;
    return { status: error.status, body: { errno, message }, bug: false };
  }
  const status = statusOf(error);
  if (error instanceof Error && status >= 400 && status < 500) {
    const errno = status === 413 ? 'E2BIG' : status === 404 ? 'ENOENT' : 'EINVAL';
    return { status, body: { errno, message: error.message }, bug: false };
  }
  const body: ErrorBody = { errno: 'EIO', message: 'a bug in tnull: its log says more' };
  return { status: 500, body, bug: true };
}

/** Fastify's errors carry the status that they mean. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return Number(error.statusCode);
}
