/** The one error of a user's mistake: a parameter, its value and the rule it breaks, in one line.
 *  Not for requests that fail (statuses) nor for our own bugs. Source: control.md section 1. */

const SHOWN_VALUE_MAX = 80;

/** What was typed, shortened to one line: it goes to a terminal. */
export function shown(text: string): string {
  // Control characters would break the one line, and could drive the terminal.
  const safe = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
  if (safe.length <= SHOWN_VALUE_MAX) return safe;
  // Half of a surrogate pair is no character.
  return `${safe.slice(0, SHOWN_VALUE_MAX).replace(/[\uD800-\uDBFF]$/, '')}...`;
}

/** A user's mistake. The message is one line: `name=value: rule`, or `name: rule` without a value. */
export class ParameterError extends Error {
  readonly parameter: string;
  readonly value: string | undefined;
  readonly rule: string;

  constructor(parameter: string, value: string | undefined, rule: string) {
    const subject = value === undefined ? shown(parameter) : `${shown(parameter)}=${shown(value)}`;
    super(`${subject}: ${rule}`);
    this.name = 'ParameterError';
    this.parameter = parameter;
    this.value = value;
    this.rule = rule;
  }
}

/** The errors that the control side can return, by the kernel's names. */
export type Errno =
  | 'EINVAL'
  | 'ERANGE'
  | 'ENOENT'
  | 'EEXIST'
  | 'EBUSY'
  | 'EACCES'
  | 'EOPNOTSUPP'
  | 'EIO'
  | 'EPERM'
  | 'ESHUTDOWN'
  | 'ETOOMANYREFS'
  | 'EOVERFLOW'
  | 'ENODEV'
  | 'ENOSPC'
  | 'ENOMEM'
  | 'ETIMEDOUT';

/** A control operation that failed and changed nothing: an errno, one sentence, and the attribute
 *  that it is about, if any. Source: control.md section 3. */
export class ErrnoError extends Error {
  readonly errno: Errno;
  readonly attribute: string | undefined;

  constructor(errno: Errno, message: string, attribute?: string) {
    super(message);
    this.name = 'ErrnoError';
    this.errno = errno;
    this.attribute = attribute;
  }
}

const systemMeanings: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EISDIR: 'is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

/** The meaning of a failed system call, in one line without codes. @param path for errors that name none,
 *  such as those of reading an open file. */
export function systemText(error: unknown, path?: string): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error && 'syscall' in error)) return error.message;
  const where = 'path' in error ? String(error.path) : path;
  // Node's own: `ENOSPC: no space left on device, write '/x'`.
  const [, plain = error.message] = /^[A-Z0-9]+: (.*), \w+(?: '.*')?$/s.exec(error.message) ?? [];
  const meaning = systemMeanings[String(error.code)] ?? plain;
  return where === undefined ? meaning : `${shown(where)}: ${meaning}`;
}
