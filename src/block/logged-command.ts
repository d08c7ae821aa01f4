/** One command in a device's request log, and the names of what its numbers mean. Source: test-api.md section 4. */

import { Command } from './command.ts';
import { Status, statusErrno } from './status.ts';

/** What a client can ask for beside the commands of the block layer: numbers behind theirs. */
export const ClientOnly = { CACHE: 20, BLOCK_STATUS: 21, UNKNOWN: 22 } as const;
export type LoggedOperation = Command | (typeof ClientOnly)[keyof typeof ClientOnly];

const operationNames: ReadonlyMap<number, string> = new Map<LoggedOperation, string>([
  [Command.READ, 'read'],
  [Command.WRITE, 'write'],
  [Command.WRITE_ZEROES, 'write_zeroes'],
  [Command.DISCARD, 'discard'],
  [Command.FLUSH, 'flush'],
  [ClientOnly.CACHE, 'cache'],
  [ClientOnly.BLOCK_STATUS, 'block_status'],
  [ClientOnly.UNKNOWN, 'unknown'],
  [Command.ZONE_APPEND, 'zone_append'],
  [Command.ZONE_OPEN, 'zone_open'],
  [Command.ZONE_CLOSE, 'zone_close'],
  [Command.ZONE_FINISH, 'zone_finish'],
  [Command.ZONE_RESET, 'zone_reset'],
  [Command.ZONE_RESET_ALL, 'zone_reset_all'],
]);

/** Every name that `op` of an entry can have. */
export const loggedOperations: readonly string[] = [...operationNames.values()];

/** Of the bits 1, 2, 4 ...: NBD's command flags. FUA is also the block layer's. */
const flagNames = ['fua', 'no_hole', 'df', 'req_one', 'fast_zero', 'payload_len'];

/** By their numbers, which are Linux's and NBD's. */
const errnoNames = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  19: 'ENODEV',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
  109: 'ETOOMANYREFS',
  110: 'ETIMEDOUT',
} as const;
const nameByErrno: ReadonlyMap<number, string> = new Map(
  Object.entries(errnoNames).map(([errno, name]) => [Number(errno), name]),
);
const errnoByName: ReadonlyMap<string, number> = new Map([
  ...[...nameByErrno].map(([errno, name]) => [name, errno] as const),
  ['EOPNOTSUPP', 95],
]);
const EIO = 5;

/** The number that the log keeps for how a request of the control side ended. */
export function errnoOf(status: Status): number {
  return status === Status.OK ? 0 : (errnoByName.get(statusErrno[status]) ?? EIO);
}

export interface LoggedCommand {
  /** From 1 on, without gaps, as long as the device is there. */
  readonly seq: number;
  /** When it had come with all its data: ns since power on. */
  readonly arrived: number;
  /** When its reply was handed on; null: it has none. */
  readonly answered: number | null;
  /** Between both. */
  readonly ns: number | null;
  readonly op: string;
  /** Of 512 bytes: those that the client's range touches. */
  readonly sector: number;
  readonly sectors: number;
  /** The range as the client gave it, in bytes. */
  readonly offset: number;
  readonly bytes: number;
  readonly flags: readonly string[];
  /** The N-th client of the export since power on; 0: the control side. */
  readonly client: number;
  /** `ok` or the errno of the reply; null: it has none. */
  readonly status: string | null;
}

const OPERATIONS = 64;

/** An operation and NBD's flags in one number. */
export function whatOf(operation: LoggedOperation, flags: number): number {
  return flags * OPERATIONS + operation;
}

/** @param what an operation, or `whatOf` a command. */
export function operationText(what: number): string {
  return operationNames.get(what % OPERATIONS) ?? 'unknown';
}

/** Bits without a name are shown as one number, such as `0x40`. @param what `whatOf` a command. */
export function flagTexts(what: number): string[] {
  const flags = Math.floor(what / OPERATIONS);
  const texts = flagNames.filter((_, bit) => (flags & (1 << bit)) !== 0);
  const rest = flags & -(1 << flagNames.length);
  return rest === 0 ? texts : [...texts, `0x${rest.toString(16)}`];
}

export function statusText(errno: number): string {
  return errno === 0 ? 'ok' : (nameByErrno.get(errno) ?? `error ${errno}`);
}
