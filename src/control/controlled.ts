/** What the control side needs of the driver and of the values of a directory: interfaces, so that
 *  the tree can be tried on devices that are none. Source: driver.md section 1, control.md. */

import type { AttributeValue } from '../config/attribute-text.ts';
import type { DeviceOptions } from '../config/parameters.ts';

/** What power on makes of the stored values, before anything is changed. */
export interface Judged {
  readonly options: DeviceOptions;
  /** To be written back, under the attributes' names. */
  readonly adjusted: ReadonlyMap<string, AttributeValue>;
  /** One line each, with the device's name. */
  readonly notices: readonly string[];
}

/** The stored values of one directory. Errors are ErrnoError. */
export interface AttributeSet {
  /** As configfs shows it, with its newline. */
  text(name: string): string;
  /** For JSON: a number, or a boolean as 0 or 1. */
  value(name: string): number;
  /** Also of power, index and the zones' sectors, which are not stored. */
  parse(name: string, text: string): AttributeValue;
  /** @throws ErrnoError when it cannot be set now. */
  check(name: string, value: AttributeValue, powered: boolean): void;
  set(name: string, value: AttributeValue): void;
  judge(): Judged;
  apply(adjusted: ReadonlyMap<string, AttributeValue>): void;
}

export const faultSettings = ['interval', 'probability', 'space', 'times'] as const;
export type FaultSetting = (typeof faultSettings)[number];

/** One fault: four numbers as text. */
export interface ControlledFault {
  get(setting: FaultSetting): string;
  set(setting: FaultSetting, text: string): void;
}

export interface ControlledBadBlocks {
  /** `start length` lines. */
  text(): string;
  /** Takes `+a-b` or `-a-b`, one in a line: all of them or none. */
  write(text: string): void;
}

/** Sectors; writePointer -1: none. Type and condition are Linux's numbers. */
export interface ZoneFacts {
  readonly start: number;
  readonly length: number;
  readonly capacity: number;
  readonly writePointer: number;
  readonly type: number;
  readonly condition: number;
}

export interface ControlledZones {
  readonly count: number;
  info(index: number): ZoneFacts;
  /** Of the zone that holds the sector, which lies on the device. */
  indexOf(sector: number): number;
}

export type ZoneOperation = 'open' | 'close' | 'finish' | 'reset' | 'reset-all';
export type LostCondition = 'read-only' | 'offline';

export interface OperationStats {
  readonly requests: number;
  readonly bytes: number;
  readonly latencyNs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
    readonly mean: number;
  };
}

export const operations = ['read', 'write', 'discard', 'write-zeroes', 'flush', 'zone'] as const;

export interface DeviceStats {
  readonly operations: Readonly<Record<(typeof operations)[number], OperationStats>>;
  /** By errno or cause. */
  readonly errors: Readonly<Record<string, number>>;
  readonly memory: { readonly heldBytes: number; readonly idleBytes: number };
  readonly cache: { readonly sizeBytes: number; readonly usedBytes: number } | null;
  readonly zones: { readonly count: number; readonly open: number; readonly active: number } | null;
  readonly tags: { readonly depth: number; readonly queues: number; readonly inUse: number };
  readonly badBlockRanges: number;
}

/** A request that the driver or the queue has. */
export interface InFlight {
  readonly tag: number;
  readonly queue: number;
  readonly command: string;
  readonly sector: number;
  readonly sectors: number;
  readonly state: 'issued' | 'started';
  readonly count: number;
  readonly ageNs: number;
}

/** How a request of the control side ended. */
export interface Outcome {
  /** block/status.ts's. */
  readonly status: number;
  /** Where an append went. */
  readonly sector: number;
  /** What happened, where the device can say more than the status. */
  readonly reason: string | undefined;
}

/** A device as the tree drives it. Statuses are block/status.ts's; errors are ErrnoError. */
export interface ControlledDevice {
  readonly name: string;
  readonly index: number;
  readonly powered: boolean;
  readonly badBlocks: ControlledBadBlocks;
  readonly faults: {
    readonly timeout: ControlledFault;
    readonly requeue: ControlledFault;
    readonly init_hctx: ControlledFault;
  };
  readonly zones: ControlledZones | undefined;
  powerOn(options: DeviceOptions): void;
  powerOff(): Promise<void>;
  setQueues(submit: number, poll: number): void;
  setZoneCondition(sector: number, condition: LostCondition): void;
  zoneManagement(operation: ZoneOperation, sector: number, sectors: number): Promise<Outcome>;
  zoneAppend(sector: number, data: Uint8Array): Promise<Outcome>;
  flush(): Promise<Outcome>;
  stats(): DeviceStats;
  requests(): readonly InFlight[];
}

export interface ControlledDevices extends Iterable<ControlledDevice> {
  create(name: string): ControlledDevice;
  remove(name: string): Promise<void>;
  get(name: string): ControlledDevice | undefined;
}
