/** Compares the replay with the recording. Source: driver.md section 3. */

import { NbdError, TransmissionFlag } from 'nbd-server-protocol-ts';
import type { QueueLimits, Step } from './recordings.ts';
import type { Replayed } from './replay.ts';

/** How NBD reports an errno. */
const nbdErrors: ReadonlyMap<string, number> = new Map([
  ['EIO', NbdError.EIO],
  ['ETOOMANYREFS', NbdError.EIO],
  ['EOVERFLOW', NbdError.EIO],
  ['ENODEV', NbdError.EIO],
  ['ETIMEDOUT', NbdError.EIO],
  ['EOPNOTSUPP', NbdError.EINVAL],
  ['EINVAL', NbdError.EINVAL],
  ['ENOSPC', NbdError.ENOSPC],
]);

/** @returns the difference in words. Undefined: there is none. */
export function difference(recorded: Step, replayed: Replayed): string | undefined {
  const { r, nbdError } = replayed;
  if (!sameResult(recorded.r, replayed)) {
    return `recorded ${recorded.r}, replayed ${nbdError === undefined ? r : `NBD error ${nbdError}`}`;
  }
  if (recorded.queue !== undefined) return wrongQueue(recorded.queue, replayed);
  // The content of a failed read's buffer is undefined; the value of a set is input.
  const keys = recorded.op === 'set' ? [] : (['value', 'data', 'at', 'zones'] as const);
  for (const key of keys) {
    const [want, got] = [JSON.stringify(recorded[key]), JSON.stringify(replayed[key])];
    if (want !== got) return `${key}: recorded ${want}, replayed ${got}`;
  }
  return undefined;
}

function sameResult(recorded: string, { r, nbdError }: Replayed): boolean {
  if (recorded === 'error') return r !== 'ok';
  return nbdError === undefined ? r === recorded : nbdErrors.get(recorded) === nbdError;
}

const SECTOR = 512;

/** Only what a client of ours can see, too: size, features, hardware queues. */
export function wrongQueue(queue: QueueLimits, { seen }: Replayed): string | undefined {
  if (seen === undefined) return 'no queue was seen';
  const { SEND_FLUSH, SEND_FUA, SEND_TRIM, ROTATIONAL } = TransmissionFlag;
  const facts: readonly (readonly [string, unknown])[] = [
    ['size_sectors', String(seen.bytes / SECTOR)],
    ['hw_queues', seen.hwQueues],
    ['write_cache', (seen.flags & SEND_FLUSH) === 0 ? 'write through' : 'write back'],
    ['fua', (seen.flags & SEND_FUA) === 0 ? '0' : '1'],
    ['rotational', (seen.flags & ROTATIONAL) === 0 ? '0' : '1'],
  ];
  const wrong = facts.filter(([name, value]) => name in queue && queue[name] !== value);
  // A zoned export takes TRIM, too: of whole zones it is their reset.
  const trim = queue['discard_granularity'] !== '0' || queue['zoned'] === 'host-managed';
  const offered = (seen.flags & SEND_TRIM) !== 0;
  if ('discard_granularity' in queue && offered !== trim) wrong.push(['TRIM', offered]);
  if (wrong.length === 0) return undefined;
  return wrong.map(([name, value]) => `${name}: ${queue[name]}, replayed ${value}`).join('; ');
}
