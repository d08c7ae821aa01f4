/** What a simulated client wants of the server, and what it makes of what it got. */

import type { ClientAgreed, ClientWishes } from 'nbd-server-protocol-ts';
import type { Random } from '../fuzz/random.ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Terms } from './requests.ts';

/** @param tls the share of clients that ask for it. */
export function wishes(random: Random, exportName: string, tls: number): ClientWishes {
  const form = random.below(3);
  return {
    goal: form === 0 && random.chance(0.5) ? 'export-name' : 'transmission',
    exportName,
    tls: tls > 0 && random.chance(tls) ? 'require' : 'off',
    extendedHeaders: form === 2,
    structuredReplies: form > 0,
    contexts: form > 0 && random.chance(0.7) ? ['base:allocation'] : [],
    ...(random.chance(0.5) ? { infos: [] } : {}),
  };
}

/** @throws Found where it is not of `device`. */
export function termsOf(agreed: ClientAgreed, device: SimDevice): Terms {
  const { size, flags, blockSize } = agreed.export;
  if (size !== BigInt(device.sizeBytes)) {
    throw new Found('reply', `${device.name}: the size ${size}`);
  }
  return {
    extended: agreed.extendedHeaders,
    flags,
    contexts: agreed.contexts.length,
    wholeBlocks: device.zoned ? device.blockBytes : (blockSize?.minimum ?? 1),
  };
}
