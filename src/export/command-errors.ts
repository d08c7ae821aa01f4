/** Tells observers of a device about a command that is answered with an error. Called only then.
 *  Source: page.md section 4. */

import type { ReplyAddress } from 'nbd-server-protocol-ts';
import type { Disk } from '../block/disk.ts';
import { type LoggedOperation, operationText, statusText } from '../block/logged-command.ts';
import { forJson } from '../units.ts';

/** Where the command was to act, in halves of 64 bits. */
interface CommandPlace extends ReplyAddress {
  readonly length: number;
  readonly lengthHigh?: number;
  readonly lengthLow?: number;
}

interface Failed {
  readonly client: number;
  readonly op: LoggedOperation;
  readonly place: CommandPlace;
  /** Of NBD. */
  readonly error: number;
  readonly reason: string;
}

export function tellError(disk: Disk, { client, op, place, error, reason }: Failed): void {
  const { offsetHigh, offsetLow, length, lengthHigh = 0, lengthLow = length } = place;
  disk.onError?.({
    client,
    op: operationText(op),
    offset: exact(offsetHigh, offsetLow),
    bytes: exact(lengthHigh, lengthLow),
    errno: statusText(error),
    reason,
  });
}

/** Halves below this are of a number below 2^53. */
const HIGH_MAX = 2 ** 21;

function exact(high: number, low: number): number | string {
  if (high < HIGH_MAX) return high * 2 ** 32 + low;
  return forJson(BigInt(high) * 2n ** 32n + BigInt(low));
}
