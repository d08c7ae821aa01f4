/** Changes of a device as a whole, for which others wait: between two commands, off, and on again. */

import type { Errno } from '../../src/config/errors.ts';
import type { SimDevice } from './device.ts';
import { CALL_NS, DRAIN_NS, type Operator } from './operator.ts';

const MS = 1e6;

type Work = () => Promise<unknown>;

/** What is in flight is waited for, and others wait behind. @returns whether it was done. */
export async function alone(
  operator: Operator,
  device: SimDevice,
  what: string,
  work: Work,
): Promise<boolean> {
  const bound = CALL_NS + DRAIN_NS + operator.simulation.patience(device);
  device.heldUpNs += DRAIN_NS;
  try {
    return await changes(operator, device, { what, work, boundNs: bound, may: ['EBUSY'] });
  } finally {
    device.changing = false;
  }
}

export interface Going {
  readonly what: string;
  readonly work: Work;
  readonly boundNs: number;
  /** What is in flight fails. */
  readonly force: boolean;
  readonly may?: readonly Errno[];
}

/** The device is served no more from when this is done on, until `isBack`. @returns whether it was done. */
export async function goes(
  operator: Operator,
  device: SimDevice,
  { force, ...call }: Going,
): Promise<boolean> {
  device.leaving.begin();
  if (force) device.forced.begin();
  const done = await changes(operator, device, call);
  if (force) device.forced.end();
  return done;
}

/** It has power again, and what `texts` say beside that. */
export async function comesBack(
  operator: Operator,
  device: SimDevice,
  texts: Readonly<Record<string, string>> = {},
): Promise<void> {
  await operator.sleep(2 * MS);
  while (!(await operator.patch(device, { ...texts, power: '1' }))) await operator.sleep(MS);
  operator.simulation.hasPower(device);
  isBack(device);
}

export function isBack(device: SimDevice): void {
  device.leaving.end();
  device.changing = false;
}

function changes(
  operator: Operator,
  device: SimDevice,
  { what, work, boundNs, may = [] }: Omit<Going, 'force'>,
): Promise<boolean> {
  const done = operator.call(device, what, work, may, boundNs, true);
  // Whoever calls from now on waits for it.
  device.changing = true;
  return done;
}
