/** The error that a client gets when a handler throws. */

import { isNbdErrorCode, NbdError, type NbdErrorCode } from './errors.ts';

/** Codes of the operating system that mean what an error of the protocol means. */
const systemCodes: ReadonlyMap<string, NbdErrorCode> = new Map([
  ['EROFS', 'EPERM'],
  ['EACCES', 'EPERM'],
  ['EDQUOT', 'ENOSPC'],
  ['EFBIG', 'ENOSPC'],
  ['EOPNOTSUPP', 'ENOTSUP'],
]);

/** The text of an `NbdError` is meant for clients; texts of other errors may reveal the server's internals. */
export function toldError(thrown: unknown): NbdError {
  if (thrown instanceof NbdError) return thrown;
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code;
  if (isNbdErrorCode(code)) return new NbdError(code);
  return new NbdError(systemCodes.get(String(code)) ?? 'EIO');
}
