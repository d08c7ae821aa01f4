/** What a reply means: whether the request may have ended so, and what the model learns of it. */

import { Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Operation } from './operation.ts';

/** May it have succeeded, or failed, as it did? @throws Found. */
export function judge(one: Operation, device: SimDevice): void {
  const { gotError: error, tick } = one;
  if (error === 0) {
    const bad = one.badSince >= 0 && one.badSince === device.bad.clears;
    if (one.error === 0 && !bad) return;
    throw new Found('refused', `${device.name}: succeeded: ${one.describe()}`);
  }
  if (error === NbdError.ESHUTDOWN && device.leaving.holds(tick)) return;
  if (error === NbdError.EIO && device.forced.holds(tick)) return;
  if (error === NbdError.ENOSPC && device.noMemory.holds(tick)) return;
  if (error === one.error || device.failing.holds(tick)) return;
  if (error === NbdError.EIO && device.mayHitBad(one.offset, one.length, tick)) return;
  const may = one.error === 0 ? 'may not fail' : `must fail with ${one.error}`;
  throw new Found('refused', `${device.name}: error ${error}, but ${may}: ${one.describe()}`);
}

/** Tells the model what came of it. */
export function settle(one: Operation, device: SimDevice): void {
  if (one.error !== 0) return;
  const { model } = device;
  // What was lost with the cache may be it.
  const done = one.gotError === 0 && one.epoch === device.epoch;
  const durable = !device.cached || (one.flags & CommandFlag.FUA) !== 0;
  switch (one.command) {
    case Command.WRITE:
      return model.ended(one.version, done, durable);
    case Command.TRIM:
    case Command.WRITE_ZEROES:
      return model.endedConstant('zeros', one.first, one.end, one.begun, done, durable);
    case Command.FLUSH:
      if (done && device.cached) model.flushed(one.lowerThen);
      return;
  }
}

/** Its client has gone: until nothing of that is left it may be done, and the device is busy with it. */
export function orphan(one: Operation, device: SimDevice): void {
  const { command, version, first, end, begun, length, error } = one;
  const { model } = device;
  device.orphans.push(() => {
    device.over(length);
    if (error !== 0) return;
    if (command === Command.WRITE) model.ended(version, false, false);
    else if (command === Command.TRIM || command === Command.WRITE_ZEROES) {
      model.endedConstant('zeros', first, end, begun, false, false);
    }
  });
}
