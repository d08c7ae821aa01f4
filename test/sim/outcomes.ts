/** What a reply means: whether the request may have ended so, and what the model learns of it. */

import { Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import type { SimDevice } from './device.ts';
import { Found } from './failure.ts';
import type { Operation } from './operation.ts';
import type { SimZone } from './zones.ts';

const SECTOR_BYTES = 512;

/** May it have succeeded, or failed, as it did? @throws Found. */
export function judge(one: Operation, device: SimDevice): void {
  const { gotError: error, tick } = one;
  if (error === 0) {
    const bad = one.badSince >= 0 && one.badSince === device.clears;
    if ((one.error === 0 && !bad) || (bad && device.ruled.holds(tick))) return;
    throw new Found('refused', `${device.name}: succeeded: ${one.describe()}`);
  }
  if (device.ruled.holds(tick)) return;
  if (error === NbdError.ENOSPC && device.mayBeFull && one.command !== Command.READ) return;
  if (error === NbdError.ESHUTDOWN && device.leaving.holds(tick)) return;
  if (error === NbdError.EIO && device.forced.holds(tick)) return;
  if (error === NbdError.ENOSPC && device.noMemory.holds(tick)) return;
  if (one.zone !== undefined && mayMissPointer(one.zone, device)) return;
  if (error === one.error || device.failing.holds(tick)) return;
  if (error === NbdError.EIO && device.mayHitBad(one.offset, one.length, tick)) return;
  const may = one.error === 0 ? 'may not fail' : `must fail with ${one.error}`;
  throw new Found('refused', `${device.name}: error ${error}, but ${may}: ${one.describe()}`);
}

/** May a write of a zone have failed for what became of one before it, or since others have zones open? */
function mayMissPointer(zone: SimZone, device: SimDevice): boolean {
  const since = zone.busySince;
  const { failing: faulty, forced, noMemory, ruled } = device;
  const failing = [faulty, forced, noMemory, ruled].some((one) => one.holds(since));
  if (!zone.sure || failing || device.opened) return true;
  const from = zone.first * SECTOR_BYTES;
  return device.mayHitBad(from, zone.last * SECTOR_BYTES - from, since);
}

/** Tells the model what came of it. */
export function settle(one: Operation, device: SimDevice): void {
  if (one.error !== 0) return;
  const { model } = device;
  const ruled = device.mayBeRuled(one.offset, one.length, one.tick);
  one.zone?.ended(one.gotError === 0 && !ruled);
  // What was lost with the cache, or undone by a rollback, may be it.
  const sure = one.epoch === device.epoch && device.isInOrder(one.rollbacks);
  const done = one.gotError === 0 && sure && !ruled;
  const durable = !device.cached || (one.flags & CommandFlag.FUA) !== 0;
  if (device.journal !== undefined) {
    // What a rule changes of a reply is none that the journal has.
    if (device.ruled.holds(one.tick)) leaveOpen(one, device);
    else if (done) promise(one, device);
  }
  switch (one.command) {
    case Command.WRITE:
      return model.ended(one.version, done, durable);
    case Command.TRIM:
    case Command.WRITE_ZEROES:
      return model.endedConstant(one.makes, one.first, one.end, one.begun, done, durable);
    case Command.FLUSH:
      if (done && device.cached) model.flushed(one.lowerThen);
      return;
  }
}

/** What a journal makes of an answer. */
function promise(one: Operation, { model }: SimDevice): void {
  const fua = (one.flags & CommandFlag.FUA) !== 0;
  const { command, first, end, version, begun } = one;
  if (command === Command.WRITE) model.promise(first, end, model.beginOf(version), fua);
  if (command === Command.WRITE_ZEROES) model.promise(first, end, begun, fua);
  if (command === Command.FLUSH) model.swear(one.promisedThen);
}

/** The journal may have no answer of it. */
function leaveOpen({ command, makes, first, end, version }: Operation, { model }: SimDevice): void {
  if (command === Command.WRITE) model.unanswered(version);
  else if (command === Command.TRIM || command === Command.WRITE_ZEROES) {
    model.unansweredConstant(makes, first, end);
  }
}

/** Its client has gone: until nothing of that is left it may be done, and the device is busy with it. */
export function orphan(one: Operation, device: SimDevice): void {
  const { command, version, first, end, begun, length, error, zone, makes } = one;
  const { model } = device;
  device.orphans.push(() => {
    device.over(length);
    if (error !== 0) return;
    zone?.ended(false);
    if (device.journal !== undefined) leaveOpen(one, device);
    if (command === Command.WRITE) model.ended(version, false, false);
    else if (command === Command.TRIM || command === Command.WRITE_ZEROES) {
      model.endedConstant(makes, first, end, begun, false, false);
    }
  });
}
