/** Every limit on a client, with its reason. Times in ms, sizes in bytes.
 *  Source: nbd-protocol.md section 3.2; docs/running.md, Limits on clients. */

import { KiB, MiB } from '../units.ts';

export const limits = {
  receiveBuffer: { max: 256 * KiB, why: 'one read brings many requests; more gains nothing' },
  payloadInBuffer: {
    max: 64 * KiB,
    why: 'a longer payload that is not there whole is received straight into slabs',
  },
  payloadDrained: {
    max: 256 * MiB,
    why: 'a longer refused payload is not a mistake any more: the connection ends',
  },
  payloadNoAttack: {
    max: 32 * MiB,
    why: 'with extended headers what is above the largest payload ends the connection, but not this',
  },
  outputBacklog: {
    max: 16 * MiB,
    why: 'a client that does not read its replies gets no more of them',
  },
  retainedReplies: {
    max: 256,
    why: 'replies that show pages, of one client: beyond it they are copied',
  },
  connectionBuffer: {
    max: 260 * KiB,
    why: 'holds a full read, or a full batch of 4 KiB replies at depth 32, and a little more',
  },
  handshakeTime: { max: 10_000, why: 'idle clients that never agree on anything are cut off' },
  furtherOptionTime: {
    max: 10,
    why: 'beyond the usual number of options, for each: a list of many exports takes longer',
  },
  goodbyeTime: { max: 100, why: 'a client with nothing in flight that we end may close first' },
  hurryTime: {
    max: 50,
    why: 'by force a device is off within 100 ms, whether a client reads or not',
  },
  drainTime: { max: 5_000, why: 'what is in flight at shutdown may end, but not for ever' },
} as const;
