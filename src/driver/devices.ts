/** All devices by name, the tag set that some of them share, and who wants to hear of them.
 *  Source: driver.md section 1 (nr_devices, shared_tags). */

import type { TagSet } from '../block/tag-set.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { NullRequestData } from './completion.ts';
import { type DeviceContext, makeTagSet, NullDevice } from './null-device.ts';

export class Devices {
  readonly #context: DeviceContext;
  readonly #byName = new Map<string, NullDevice>();
  #sharedTags: TagSet<NullRequestData> | undefined;

  constructor(context: DeviceContext) {
    this.#context = context;
  }

  /** Makes `options.nr_devices` devices, nullb0, nullb1 ..., powered.
   *  @throws RangeError when there is no memory for their requests. */
  addNumbered(options: DeviceOptions): void {
    for (let index = 0; index < options.nr_devices; index++) {
      const name = `nullb${index}`;
      const tags = options.shared_tags ? this.#shared(options) : undefined;
      this.#byName.set(name, new NullDevice(name, options, this.#context, tags));
    }
  }

  [Symbol.iterator](): IterableIterator<NullDevice> {
    return this.#byName.values();
  }

  /** One set for all devices that ask for it, built from the program's parameters. */
  #shared(options: DeviceOptions): TagSet<NullRequestData> {
    this.#sharedTags ??= makeTagSet(options, this.#context);
    return this.#sharedTags;
  }
}
