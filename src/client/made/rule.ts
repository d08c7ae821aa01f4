/** The words of a rule. Source: docs/faults.md. */

// Made by `npm run docs` out of the tables: not to be changed here.

/** What a command has to be (match), when it is struck (trigger), and what happens then (action). */
export interface Rule {
  /** The name of the rule; r1, r2 ... where it has none: 1 to 64 letters, digits, `.`, `_` or `-`. */
  readonly id?: string;
  /** What the client asks for; without it: every command: names out of read, write, write_zeroes, discard, flush, zone_append, zone_open, zone_close, zone_finish, zone_reset, zone_reset_all, connect, handshake, with commas between them. */
  readonly op?: string;
  /** The command touches one of them; a flush never does: FIRST-LAST or one sector, of 512 bytes, FIRST not behind LAST. */
  readonly sectors?: number | string;
  /** The length of the command: a size or MIN-MAX: bytes, or with k, M or G, MIN not above MAX. */
  readonly bytes?: number | string;
  /** The command's offset is a multiple: a size that is a multiple of 512: bytes, or with k, M or G. */
  readonly align?: number | string;
  /** With or without FUA: 0 or 1. */
  readonly fua?: number | string;
  /** The N-th client of the export since power on; 0: the control side: a whole number from 0 on, below 2^53. */
  readonly client?: number | string;
  /** A write whose payload has these bytes at a multiple of data_every: 1 to 64 bytes as pairs of hexadecimal digits. */
  readonly data?: string;
  /** Bytes from the start of the device; without it the block size: a size that is a multiple of 512: bytes, or with k, M or G. */
  readonly data_every?: number | string;
  /** Not earlier than so long after the rule was added: a duration: a number with ns, us, ms, s, m or h, at most 2501h. */
  readonly from?: string;
  /** Not later than so long after the rule was added; rewrite, with error: the sectors that were struck fail until they are written: rewrite, or a duration: a number with ns, us, ms, s, m or h, at most 2501h. */
  readonly until?: string;
  /** The device's state is this; it starts at 0: a whole number from 0 to 2147483647. */
  readonly state?: number | string;
  /** What counts: each has its own count: one of device, client, sector. */
  readonly per?: 'device' | 'client' | 'sector';
  /** So many matches pass first: a whole number from 0 on, below 2^53. */
  readonly skip?: number | string;
  /** Only this match: a whole number from 1 on, below 2^53. */
  readonly nth?: number | string;
  /** Then every N-th match: a whole number from 1 on, below 2^53. */
  readonly interval?: number | string;
  /** Percent of those matches: a percentage from 0 to 100, decimals allowed. */
  readonly probability?: number | string;
  /** So often at most; -1: no limit: a whole number from -1 on, below 2^53. */
  readonly times?: number | string;
  /** So many matches in a row, the struck one included: a whole number from 1 on, below 2^53. */
  readonly burst?: number | string;
  /** The command fails: one of EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN. */
  readonly error?: 'EPERM' | 'EIO' | 'ENOMEM' | 'EINVAL' | 'ENOSPC' | 'EOVERFLOW' | 'ENOTSUP' | 'ESHUTDOWN';
  /** Not done and not answered for so long; on: until release: on, or a duration: a number with ns, us, ms, s, m or h, at most 2501h. */
  readonly hang?: string;
  /** Of a write these blocks alone are stored: first:N, last:N, blocks:N,N-M,... or random, N below 2^32 and not above M. */
  readonly torn?: string;
  /** Reads and writes go elsewhere: +N, -N or =N sectors, N from 1 on, behind = from 0. */
  readonly misdirect?: string;
  /** Answered, not done: 1. */
  readonly lose?: number | string;
  /** Flush and FUA: answered, nothing is made durable: 1. */
  readonly lie?: number | string;
  /** A read gets its sectors as they were N writes ago, discards included, zone appends not: a whole number from 1 to 64. */
  readonly stale?: number | string;
  /** Bytes are changed: in the reply of a read, or as a write is stored: bits:N (at most 4096), xor:HH, fill:HH or random. */
  readonly corrupt?: string;
  /** A power cut, and what it keeps of what is not durable; whole and torn without a journal: random: one of none, all, random, whole, torn. */
  readonly cut?: 'none' | 'all' | 'random' | 'whole' | 'torn';
  /** The connection misbehaves when the reply is due: reset, close, truncate:BYTES, stall:BYTES, drip:BYTES:DURATION, cookie, duplicate, reorder:REPLIES, garbage:BYTES (at most 65536), magic or error:NUMBER, numbers from 1 on, of truncate and stall from 0, all below 2^32. */
  readonly wire?: string;
  /** How much is done of a command that is struck: none, all, drop or first:BLOCKS, BLOCKS from 1 on, below 2^32. */
  readonly apply?: string;
  /** How the torn write is answered; cut: not at all, and the power is cut, keep=all: one of ok, error, cut. */
  readonly then?: 'ok' | 'error' | 'cut';
  /** What is changed: one of reply, store. */
  readonly where?: 'reply' | 'store';
  /** The cut is before or after the command: one of before, after. */
  readonly at?: 'before' | 'after';
  /** Done at once, answered so much later: a duration (5ms, at most 2501h), uniform:MIN:MAX, exponential:MEAN, lognormal:MEDIAN:P99 or trace:D,D,..., MIN not above MAX, MEDIAN above 0 and not above P99. */
  readonly delay?: string;
  /** The device goes to this state: a whole number from 0 to 2147483647. */
  readonly set_state?: number | string;
  /** An entry in the log, and in the journal if there is one: a text of 1 to 4096 bytes. */
  readonly mark?: string;
  /** A snapshot before the command: 1 to 64 letters, digits, `.`, `_` or `-`. */
  readonly snapshot?: string;
}

/** Rules together: the first that matches is the one that strikes. */
export interface Plan {
  /** Of the dice; without it the one of the server. */
  readonly seed?: string | number;
  readonly rules: readonly Rule[];
}
