/** A reset of all zones is one request, carried out in pieces. driver.md section 6. */

import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { ZoneSet } from '../../../src/driver/zones/zone-set.ts';
import { MiB } from '../../../src/units.ts';
import { World } from '../../block/world.ts';
import { Io, wholeDevice } from '../whole.ts';
import { zoneOptions } from './world.ts';

const ZONE = 2048;

/** A device of 10,000 full zones of 1 MiB, and a reset of all of them that has begun. */
function resetting(...words: string[]) {
  const world = new World();
  const all = ['size=10000', 'zoned=1', 'zone_size=1', 'zone_full=1', ...words];
  const { device, disk } = wholeDevice(world, all);
  const reset = new Io(Command.ZONE_RESET_ALL, 0, 10_000 * ZONE).submit(disk);
  const { zones } = device;
  if (zones === undefined) throw new Error('not zoned');
  return { world, device, disk, reset, zones };
}

test('others have their turns while 10,000 zones are reset, and what they write then stays', () => {
  const { world, disk, reset, zones } = resetting();
  const write = new Io(Command.WRITE, 0, 8, new Uint8Array(4096)).submit(disk);
  const early = new Io(Command.WRITE, 9999 * ZONE, 8, new Uint8Array(4096)).submit(disk);
  // Each zone is reset at once: the first one is empty, the last one is still full.
  expect([write.ends, write.status, early.status]).toEqual([1, Status.OK, Status.IOERR]);
  let turns = 0;
  for (; reset.ends === 0; turns++) world.deferred.run();
  expect(turns).toBeGreaterThan(10_000 / 64 / 32 - 1);
  expect(reset.status).toBe(Status.OK);
  expect([zones.condition(0), zones.writePointer(0)]).toEqual([ZoneCondition.IMP_OPEN, 8]);
  const left = zones.report().filter(({ condition }) => condition !== ZoneCondition.EMPTY);
  expect(left.length).toBe(1);
});

test('two of them at once both end, and power off waits for them', async () => {
  const { world, device, disk, reset } = resetting('irqmode=1');
  const second = new Io(Command.ZONE_RESET_ALL, 0, 10_000 * ZONE).submit(disk);
  const off = device.powerOff();
  let isOff = false;
  off.then(() => {
    isOff = true;
  });
  await new Promise(setImmediate);
  expect([reset.ends, isOff]).toEqual([0, false]);
  world.settle();
  await off;
  expect([reset.ends, second.ends]).toEqual([1, 1]);
});

test('16 million zones are there at once and take a byte each', () => {
  const before = process.memoryUsage().arrayBuffers;
  const count = 2 ** 24;
  const options = { capacity: count * ZONE, zoneSectors: ZONE, full: true, conventional: 1 };
  const zones = new ZoneSet(zoneOptions(options), () => true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(17 * MiB);
  expect(zones.condition(0)).toBe(ZoneCondition.NOT_WP);
  const last = zones.info(count - 1);
  expect(last).toMatchObject({ condition: ZoneCondition.FULL, writePointer: count * ZONE });
  expect(zones.reset(count - 1)).toBe(Status.OK);
  expect(zones.info(count - 1)).toMatchObject({
    condition: ZoneCondition.EMPTY,
    writePointer: (count - 1) * ZONE,
  });
  expect(zones.info(count - 2)).toMatchObject({
    condition: ZoneCondition.FULL,
    writePointer: (count - 1) * ZONE,
  });
});
