/** What a request asks for, and how: the block layer's operations and request flags.
 *  Numbers are Linux's req_op. Source: rnull-series 44, 55. */

export const Command = {
  READ: 0,
  WRITE: 1,
  FLUSH: 2,
  DISCARD: 3,
  ZONE_APPEND: 7,
  WRITE_ZEROES: 9,
  ZONE_OPEN: 10,
  ZONE_CLOSE: 11,
  ZONE_FINISH: 12,
  ZONE_RESET: 13,
  ZONE_RESET_ALL: 15,
} as const;

export type Command = (typeof Command)[keyof typeof Command];

export const RequestFlag = {
  /** The data is durable before the request ends. */
  FUA: 1,
  /** The request is on a poll queue. */
  POLLED: 2,
  /** WRITE_ZEROES keeps the memory: the result is provisioned. */
  NOUNMAP: 4,
  /** A read of what lies there, for the program itself: bad blocks neither fail it nor are cleared by it. */
  PEEK: 8,
} as const;

/** True when the command's data replace what was there. */
export function overwrites(command: Command): boolean {
  return command === Command.WRITE || command === Command.WRITE_ZEROES;
}

/** True when bytes are transferred. */
export function carriesData(command: Command): boolean {
  return command === Command.READ || command === Command.WRITE || command === Command.ZONE_APPEND;
}

/** True when the command names sectors; FLUSH alone names none. */
export function hasRange(command: Command): boolean {
  return command !== Command.FLUSH;
}
