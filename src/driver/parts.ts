/** What a device is made with: what all devices have in common, and what this one keeps from before its power
 *  on. */

import type { BlockContext } from '../block/context.ts';
import type { SharedDevice } from '../direct/shared-device.ts';
import type { SlabAllocator } from '../pages/allocator.ts';
import type { DeferredWork } from '../time/deferred.ts';
import type { Slicer } from '../time/slicer.ts';
import type { Bytes } from '../units.ts';
import type { BadBlocks } from './badblocks.ts';
import type { Faults } from './gate.ts';
import type { OpenJournal } from './journal/journal-file.ts';
import type { ChooseImage } from './journal/legal-image.ts';
import type { Toucher } from './journal/recorder.ts';
import type { PageStore } from './storage/page-store.ts';

/** Lets threads for sockets read and write the device themselves.
 *  @param capacity bytes. @returns undefined: they may not. */
export type Share = (capacity: number) => SharedDevice | undefined;

/** @param capacity bytes. */
export type MakeStore = (allocator: SlabAllocator, capacity: Bytes) => PageStore;

export interface DeviceContext extends BlockContext {
  readonly allocator: SlabAllocator;
  readonly debug: boolean;
  /** The seed of every random choice. */
  readonly faultSeed: string;
  /** Called when rules may strike whose dice follow from it. */
  readonly onFault?: (() => void) | undefined;
  /** Undefined: there are no threads for sockets. */
  readonly share?: Share | undefined;
  /** Makes what keeps a device's data; undefined: it is like any other. */
  readonly makeStore?: MakeStore | undefined;
  /** Undefined: nobody knows what a power cut may leave. */
  readonly chooseImage?: ChooseImage | undefined;
  /** Undefined: journals stay in memory. */
  readonly openJournal?: OpenJournal | undefined;
  /** Undefined: whoever writes to memory touches it. */
  readonly makeToucher?: (() => Toucher) | undefined;
  /** The time of day. */
  readonly date?: () => Date;
  /** Writes a line to the log. */
  readonly warn?: (line: string) => void;
}

export interface Parts {
  readonly name: string;
  readonly context: DeviceContext;
  /** Undefined: data vanish. */
  readonly store: PageStore | undefined;
  readonly badBlocks: BadBlocks;
  readonly faults: Faults;
  /** For all devices' long work. */
  readonly slicer: Slicer;
  /** Gives unused memory back in the deferred context. */
  readonly tidy: DeferredWork;
}
