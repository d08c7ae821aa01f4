/** What follows from a device's options and live attributes for those who do not know them: whether
 *  threads may execute its requests, and which requests the device judges one by one. */

import type { Judge } from '../block/limits.ts';
import type { BadBlocks } from './badblocks.ts';
import type { Powered } from './build.ts';
import type { Gate } from './gate.ts';

/** Whether a request of the device, as its live attributes are now, does nothing but move bytes, so that
 *  it makes no difference which thread does it. */
export function movesBytesOnly(powered: Powered, parts: Live): boolean {
  if (!mayMoveBytesOnly(powered) || powered.leaving) return false;
  return !parts.badBlocks.enabled && parts.gate === undefined;
}

/** Whether that can be, as long as it is powered on. */
export function mayMoveBytesOnly({ options, zones, cache }: Powered): boolean {
  return zones === undefined && cache === undefined && options.irqmode !== 2;
}

const everything: Judge = { firstJudged: (sector) => sector };

/** What judges each request of the device by itself, as its live attributes are now. */
export function judgeOf({ zones }: Powered, { badBlocks, gate }: Live): Judge | undefined {
  if (zones !== undefined || gate !== undefined) return everything;
  if (!badBlocks.enabled) return undefined;
  return { firstJudged: (sector, end) => badBlocks.firstBad(sector, end - sector) };
}

interface Live {
  readonly badBlocks: BadBlocks;
  readonly gate: Gate | undefined;
}
