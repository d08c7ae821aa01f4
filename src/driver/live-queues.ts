/** The numbers of hardware queues of a device that is on, changed while I/O runs.
 *  Source: driver.md section 1 (submit_queues, poll_queues). */

import type { TagSet } from '../block/tag-set.ts';
import { ErrnoError } from '../config/errors.ts';
import type { Work } from '../time/slicer.ts';
import type { NullData } from './completion.ts';
import { deviceTags, makeTagSet, orNoMemory } from './null-tag-set.ts';
import type { DeviceContext } from './parts.ts';
import type { PoweredDevice } from './powered-device.ts';

interface Named {
  readonly name: string;
  readonly context: DeviceContext;
}

/** Makes the tags of the new queues, in pieces; undefined: they are shared. @throws ErrnoError ENOMEM. */
export function* prepareQueues(
  { name, context }: Named,
  { disk, options }: PoweredDevice,
  submit: number,
  poll: number,
): Work<TagSet<NullData> | undefined> {
  if (disk.queue.tagSet.data.shared) return undefined;
  return yield* deviceTags(name, { ...options, submit_queues: submit, poll_queues: poll }, context);
}

/** @param made what `prepareQueues` returned.
 *  @throws ErrnoError EINVAL on shared tags, ENOMEM when one cannot be had: the old ones stay. */
export function setQueues(
  { name, context }: Named,
  powered: PoweredDevice,
  submit: number,
  poll: number,
  made?: TagSet<NullData>,
): void {
  const { queue } = powered.disk;
  if (queue.tagSet.data.shared) {
    throw new ErrnoError('EINVAL', `${name}: shared tags cannot be changed while power is 1`);
  }
  const options = { ...powered.options, submit_queues: submit, poll_queues: poll };
  const tags = (): TagSet<NullData> => made ?? makeTagSet(options, context, false);
  orNoMemory(name, () => queue.updateHwQueues(tags()));
  powered.options = options;
}
