import { describe, expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { zoneReadClip } from '../../../src/driver/zones/read-clip.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { type Geometry, ZonedDevice } from './world.ts';

/** A device with memory backing, and what was filled with 0xFF: from, to in the request. */
function backed(geometry: Geometry = {}): { device: ZonedDevice; filled: [number, number][] } {
  const filled: [number, number][] = [];
  const device = new ZonedDevice(geometry, (inner, zones) =>
    zoneReadClip(zones, inner, (_, from, to) => filled.push([from, to])),
  );
  return { device, filled };
}

describe('a read', () => {
  test('of an offline zone fails and reads nothing', () => {
    const device = new ZonedDevice();
    device.bring(0, ZoneCondition.OFFLINE);
    device.reached.length = 0;
    expect(device.issue(Command.READ, 0, 8)).toEqual({ status: Status.IOERR, sector: 0, done: 0 });
    expect(device.reached).toEqual([]);
  });

  test.each(
    Object.entries(ZoneCondition).filter(([, condition]) => condition !== ZoneCondition.OFFLINE),
  )('of a zone that is %s is allowed, also across the write pointer', (_, condition) => {
    const device = new ZonedDevice({ conventional: condition === ZoneCondition.NOT_WP ? 1 : 0 });
    device.bring(0, condition);
    expect(device.issue(Command.READ, 0, 64)).toEqual({ status: Status.OK, sector: 0, done: 64 });
    expect(device.reached.at(-1)).toEqual([Command.READ, 0, 64]);
  });

  test('over a zone boundary is a bug of the block layer', () => {
    const device = new ZonedDevice();
    expect(() => device.issue(Command.READ, 60, 8)).toThrow('bug: tag');
  });
});

describe('with memory backing a read', () => {
  test.each([
    ['before the write pointer', 64, 8, [[64, 8]], []],
    ['up to it', 66, 6, [[66, 6]], []],
    ['across it', 68, 8, [[68, 4]], [[4, 8]]],
    ['at it', 72, 8, [], [[0, 8]]],
    ['behind it', 100, 8, [], [[0, 8]]],
  ])('%s shows data before the write pointer and 0xFF from it on', (_, at, count, read, fill) => {
    const { device, filled } = backed();
    device.write(64, 8);
    device.reached.length = 0;
    expect(device.issue(Command.READ, at, count)).toEqual({
      status: Status.OK,
      sector: at,
      done: count,
    });
    expect(device.reached.map(([, sector, sectors]) => [sector, sectors])).toEqual(read);
    expect(filled).toEqual(fill);
  });

  test('of a finished zone shows what the store holds, to the zone end', () => {
    const { device, filled } = backed({ zoneCapacitySectors: 40 });
    device.write(0, 8);
    device.finish(0);
    expect(device.issue(Command.READ, 0, 64).done).toBe(64);
    expect(filled).toEqual([]);
  });

  test('of a written zone shows 0xFF behind its capacity', () => {
    const { device, filled } = backed({ zoneCapacitySectors: 40 });
    device.write(0, 40);
    device.issue(Command.READ, 32, 32);
    expect(device.reached.at(-1)).toEqual([Command.READ, 32, 8]);
    expect(filled).toEqual([[8, 32]]);
  });

  test('of a zone that zone_full made full is the same', () => {
    const { device, filled } = backed({ zoneCapacitySectors: 40, full: true });
    device.issue(Command.READ, 32, 32);
    expect(filled).toEqual([[8, 32]]);
  });

  test('of a read-only or conventional zone shows what the store holds', () => {
    const { device, filled } = backed({ conventional: 1 });
    device.bring(1, ZoneCondition.READONLY);
    device.issue(Command.READ, 0, 64);
    device.issue(Command.READ, 64, 64);
    expect(filled).toEqual([]);
  });

  test('that fails before the write pointer fills nothing', () => {
    const { device, filled } = backed();
    device.write(0, 8);
    device.bad = 4;
    expect(device.issue(Command.READ, 0, 16)).toEqual({
      status: Status.IOERR,
      sector: 0,
      done: 4,
    });
    expect(filled).toEqual([]);
  });
});

test('the clip leaves everything but reads alone', () => {
  const { device, filled } = backed();
  expect(device.write(0, 8)).toBe(Status.OK);
  device.issue(Command.FLUSH, 0, 0);
  expect(device.reached).toHaveLength(2);
  expect(filled).toEqual([]);
});
