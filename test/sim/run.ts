/** A run, as its clients and operators see it. */

import type { Tree } from '../../src/control/tree.ts';
import type { Control } from './control.ts';
import type { Excuse, SimDevice } from './device.ts';
import type { JournalDisk } from './journal-disk.ts';
import type { Operation } from './operation.ts';
import type { Plan } from './plan.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

export interface Run {
  readonly plan: Plan;
  readonly world: World;
  readonly devices: readonly SimDevice[];
  readonly clients: readonly { readonly inFlight: number }[];
  /** Whoever arrives may be refused and cut off: rules see arrivals of all devices. */
  readonly arrivals: Excuse;
  /** Counts what `arrivals` is about. */
  readonly arrivalTicks: { tick: number };
  /** How operators call. */
  readonly control: Control;
  /** Where journals in files are. */
  readonly disk: JournalDisk;
  /** For calls that are made without HTTP. */
  readonly tree: Tree;
  /** Nobody begins anything, until all that was begun has ended. */
  readonly calm: boolean;
  /** Nothing begins any more. */
  readonly ending: boolean;
  /** Requests that have their answers. */
  readonly answeredCount: number;
  readonly maySend: boolean;
  sent(): void;
  answered(one: Operation): void;
  /** ns that a client or an operator waits for what `device` does, with others at it. */
  patience(device: SimDevice): number;
  /** ns of all that was ever given to `device`, and to what has its tags as long as it works: what comes behind
   *  a request may be done before it. */
  given(device: SimDevice): number;
  /** Does `what` after so many ns. */
  later(ns: number, what: () => void): void;
  /** A control call, which must return within `boundNs`; `behind.ns` later, should the device begin to
   *  change meanwhile. */
  call<T>(
    what: string,
    boundNs: number,
    work: () => Promise<T>,
    behind?: { readonly device: SimDevice; readonly ns: number },
  ): Promise<T>;
  /** Serves the client at the other end of `wire`. */
  serve(wire: Wire): void;
  /** Makes the directory of `device`, and powers it on. */
  make(device: SimDevice): Promise<void>;
  /** `device` was powered on. */
  hasPower(device: SimDevice): void;
}
