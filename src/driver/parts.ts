/** What a device is made with: what all devices have in common, and what one of them brings along from
 *  before it was powered on. */

import type { BlockContext } from '../block/context.ts';
import type { SharedDevice } from '../direct/shared-device.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import type { DeferredWork } from '../time/deferred.ts';
import type { Slicer } from '../time/slicer.ts';
import type { BadBlocks } from './badblocks.ts';
import type { Faults } from './gate.ts';
import type { PageStore } from './storage/page-store.ts';

/** Makes of a device one that threads for sockets may read and write themselves.
 *  @param capacity bytes. @returns undefined: they may not. */
export type Share = (capacity: number) => SharedDevice | undefined;

export interface DeviceContext extends BlockContext {
  readonly allocator: SlabAllocator;
  readonly debug: boolean;
  /** Every random choice follows from it. */
  readonly faultSeed: string;
  /** Undefined: there are no threads for sockets. */
  readonly share?: Share | undefined;
  /** Says a line to whoever runs the program. */
  readonly warn?: (line: string) => void;
}

export interface Parts {
  readonly name: string;
  readonly context: DeviceContext;
  /** Undefined: data vanish. */
  readonly store: PageStore | undefined;
  readonly badBlocks: BadBlocks;
  readonly faults: Faults;
  /** Of all devices' long work. */
  readonly slicer: Slicer;
  /** Gives unused memory back in the deferred context. */
  readonly tidy: DeferredWork;
}
