import { describe, expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { ZonedDevice } from './world.ts';

const { OK, IOERR, INVAL } = Status;

const append = (device: ZonedDevice, at: number, sectors: number) =>
  device.issue(Command.ZONE_APPEND, at, sectors);

describe('a zone append', () => {
  test('goes where the write pointer is, and says so', () => {
    const device = new ZonedDevice();
    expect(append(device, 64, 8)).toEqual({ status: OK, sector: 64, done: 8 });
    expect(device.write(72, 4)).toBe(OK);
    expect(append(device, 64, 2)).toEqual({ status: OK, sector: 76, done: 2 });
    expect(device.brief(1)).toBe('implicit-open@78');
    expect(device.reached.at(-1)).toEqual([Command.ZONE_APPEND, 76, 2]);
  });

  test('fills a zone to its capacity and not further', () => {
    const device = new ZonedDevice({ zoneCapacitySectors: 40 });
    device.write(0, 36);
    expect(append(device, 0, 5)).toEqual({ status: IOERR, sector: 0, done: 0 });
    expect(append(device, 0, 4)).toEqual({ status: OK, sector: 36, done: 4 });
    expect(device.brief(0)).toBe('full@40');
    expect(append(device, 0, 1).status).toBe(IOERR);
  });

  test('of which a part was written moves the write pointer by that part', () => {
    const device = new ZonedDevice();
    append(device, 0, 8);
    device.bad = 12;
    expect(append(device, 0, 8)).toEqual({ status: IOERR, sector: 8, done: 4 });
    expect(device.brief(0)).toBe('implicit-open@12');
  });

  test('takes resources as a write does', () => {
    const device = new ZonedDevice({ maxOpen: 1, maxActive: 2 });
    append(device, 0, 8);
    append(device, 64, 8);
    expect(device.brief(0, 1)).toBe('closed@8 implicit-open@72');
    expect(append(device, 128, 8).status).toBe(Status.ZONE_ACTIVE_RESOURCE);
    expect(append(device, 0, 8).status).toBe(Status.ZONE_OPEN_RESOURCE);
  });

  test('to a conventional zone fails', () => {
    const device = new ZonedDevice({ conventional: 1 });
    expect(append(device, 0, 8).status).toBe(IOERR);
  });

  test('fails when native append is off', () => {
    const device = new ZonedDevice({ appendMaxSectors: 0 });
    expect(append(device, 0, 8).status).toBe(IOERR);
    expect(device.brief(0)).toBe('empty@0');
  });

  test('longer than the limit is invalid, and just as long is not', () => {
    const device = new ZonedDevice({ appendMaxSectors: 8 });
    expect(append(device, 0, 9).status).toBe(INVAL);
    expect(append(device, 0, 8).status).toBe(OK);
  });

  test('names its zone by the first sector; another is invalid', () => {
    const device = new ZonedDevice();
    append(device, 0, 8);
    expect(append(device, 8, 8).status).toBe(INVAL);
    expect(device.brief(0)).toBe('implicit-open@8');
  });

  test.each(['conventional', 'full', 'offline'])(
    'too long, or not at the start, is invalid whatever the zone is (%s)',
    (kind) => {
      const device = new ZonedDevice({ appendMaxSectors: 8, conventional: 1 });
      const at = kind === 'conventional' ? 0 : 64;
      if (kind !== 'conventional')
        device.bring(1, kind === 'full' ? ZoneCondition.FULL : ZoneCondition.OFFLINE);
      const statuses = [append(device, at, 9), append(device, at + 1, 1), append(device, at, 8)];
      expect(statuses.map(({ status }) => status)).toEqual([INVAL, INVAL, IOERR]);
    },
  );

  test.each([ZoneCondition.FULL, ZoneCondition.READONLY, ZoneCondition.OFFLINE])(
    'to a zone in condition %i fails',
    (condition) => {
      const device = new ZonedDevice();
      device.bring(0, condition);
      expect(append(device, 0, 1).status).toBe(IOERR);
    },
  );
});
