/** The tag set that a device's options ask for, made at once or in pieces, and the error when there is no
 *  memory for it. */

import type { BlockContext } from '../block/context.ts';
import { HctxError } from '../block/request-queue.ts';
import { TagSet, type TagSetOptions } from '../block/tag-set.ts';
import { ErrnoError } from '../config/errors.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { Work } from '../time/slicer.ts';
import type { Nanoseconds } from '../units.ts';
import { type NullData, NullRequestData } from './completion.ts';

type TagSetContext = BlockContext & { readonly debug: boolean };

/** null_blk's own, instead of the block layer's 30 s. */
const TIMEOUT = 5e9 as Nanoseconds; // 5 s
/** The queue takes no more tags than these, whatever the attribute says. */
const DEPTH_MAX = 10_240;

export function makeTagSet(
  options: DeviceOptions,
  context: TagSetContext,
  shared: boolean,
): TagSet<NullData> {
  return new TagSet(requestData, tagSetOptions(options, context.debug), context, { shared });
}

function tagSetInPieces(
  options: DeviceOptions,
  context: TagSetContext,
  shared: boolean,
): Work<TagSet<NullData>> {
  return TagSet.inPieces(requestData, tagSetOptions(options, context.debug), context, { shared });
}

const requestData = { makeRequestData: () => new NullRequestData() };

function tagSetOptions(options: DeviceOptions, debug: boolean): TagSetOptions {
  return {
    queues: options.submit_queues + options.poll_queues,
    pollQueues: options.poll_queues,
    depth: Math.min(options.hw_queue_depth, DEPTH_MAX),
    blocking: options.blocking,
    sharedBitmap: options.shared_tag_bitmap,
    noScheduler: options.no_sched,
    timeout: TIMEOUT,
    debug,
  };
}

/** The result of `build`. @throws ErrnoError ENOMEM that names the device. */
export function orNoMemory<T>(name: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    throw noMemory(name, error);
  }
}

/** A tag set for device `name`, or for it and others, in pieces. @throws ErrnoError ENOMEM. */
export function* deviceTags(
  name: string,
  options: DeviceOptions,
  context: TagSetContext,
  shared = false,
): Work<TagSet<NullData>> {
  try {
    return yield* tagSetInPieces(options, context, shared);
  } catch (error) {
    throw noMemory(name, error);
  }
}

function noMemory(name: string, error: unknown): unknown {
  if (error instanceof HctxError) return new ErrnoError('ENOMEM', `${name}: ${error.message}`);
  if (!(error instanceof RangeError)) return error;
  return new ErrnoError('ENOMEM', `${name}: no memory for its requests`);
}
