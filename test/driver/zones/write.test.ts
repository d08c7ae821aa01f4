import { describe, expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { ZonedDevice } from './world.ts';

const { OK, IOERR } = Status;

describe('a write to a sequential zone', () => {
  test('goes where the write pointer is, moves it, and opens the zone implicitly', () => {
    const device = new ZonedDevice();
    expect(device.issue(Command.WRITE, 64, 8)).toEqual({ status: OK, sector: 64, done: 8 });
    expect(device.brief(0, 1)).toBe('empty@0 implicit-open@72');
    expect(device.write(72, 4)).toBe(OK);
    expect(device.brief(1)).toBe('implicit-open@76');
    expect(device.reached).toEqual([
      [Command.WRITE, 64, 8],
      [Command.WRITE, 72, 4],
    ]);
  });

  test.each([1, 63, 65, 71, 73, 80])('at sector %i, not at the write pointer, fails', (at) => {
    const device = new ZonedDevice();
    device.write(64, 8);
    device.reached.length = 0;
    expect(device.write(at, 1)).toBe(IOERR);
    expect(device.reached).toEqual([]);
    expect(device.brief(0, 1, 2)).toBe('empty@0 implicit-open@72 empty@128');
  });

  test('to the end of the zone makes it full and closes it to writes', () => {
    const device = new ZonedDevice();
    device.write(0, 60);
    expect(device.zones.openCount).toBe(1);
    expect(device.write(60, 4)).toBe(OK);
    expect(device.brief(0)).toBe('full@64');
    expect([device.zones.openCount, device.zones.activeCount]).toEqual([0, 0]);
    expect(device.write(0, 1)).toBe(IOERR);
  });

  test('that would cross the capacity is refused whole, and may end exactly there', () => {
    const device = new ZonedDevice({ zoneCapacitySectors: 40 });
    device.write(0, 32);
    expect(device.write(32, 9)).toBe(IOERR);
    expect(device.brief(0)).toBe('implicit-open@32');
    expect(device.write(32, 8)).toBe(OK);
    expect(device.brief(0)).toBe('full@40');
    expect(device.write(40, 1)).toBe(IOERR);
  });

  test('that is longer than a whole empty zone leaves it empty', () => {
    const device = new ZonedDevice();
    expect(device.write(0, 65)).toBe(IOERR);
    expect(device.brief(0)).toBe('empty@0');
    expect(device.zones.activeCount).toBe(0);
  });

  test('keeps an explicitly open zone explicitly open', () => {
    const device = new ZonedDevice();
    device.open(0);
    expect(device.write(0, 8)).toBe(OK);
    expect(device.brief(0)).toBe('explicit-open@8');
  });

  test('opens a closed zone implicitly', () => {
    const device = new ZonedDevice();
    device.bring(0, ZoneCondition.CLOSED);
    expect(device.write(8, 8)).toBe(OK);
    expect(device.brief(0)).toBe('implicit-open@16');
  });

  test.each([
    ['full', ZoneCondition.FULL, 64],
    ['read-only', ZoneCondition.READONLY, -1],
    ['offline', ZoneCondition.OFFLINE, -1],
  ] as const)('that is %s fails wherever it goes', (name, condition, pointer) => {
    const device = new ZonedDevice();
    device.bring(0, condition);
    for (const at of [0, 8, 63]) expect(device.write(at, 1)).toBe(IOERR);
    expect(device.brief(0)).toBe(`${name}@${pointer}`);
  });

  test('of zeroes obeys the same rules', () => {
    const device = new ZonedDevice();
    expect(device.issue(Command.WRITE_ZEROES, 0, 8).status).toBe(OK);
    expect(device.issue(Command.WRITE_ZEROES, 0, 8).status).toBe(IOERR);
    expect(device.brief(0)).toBe('implicit-open@8');
    expect(device.reached).toEqual([[Command.WRITE_ZEROES, 0, 8]]);
  });
});

describe('a write that the inner steps do in part', () => {
  test('moves the write pointer by what was written, and fails', () => {
    const device = new ZonedDevice();
    device.bad = 5;
    expect(device.issue(Command.WRITE, 0, 8)).toEqual({ status: IOERR, sector: 0, done: 5 });
    expect(device.brief(0)).toBe('implicit-open@5');
    device.bad = -1;
    expect(device.write(5, 8)).toBe(OK);
  });

  test('of nothing leaves an empty zone implicitly open with nothing written', () => {
    const device = new ZonedDevice();
    device.bad = 0;
    expect(device.write(0, 8)).toBe(IOERR);
    expect(device.brief(0)).toBe('implicit-open@0');
    expect([device.zones.openCount, device.zones.activeCount]).toEqual([1, 1]);
  });

  test('of all but an error makes the zone full when that was its end', () => {
    const device = new ZonedDevice({ zoneCapacitySectors: 8 });
    device.bad = 7;
    expect(device.write(0, 8)).toBe(IOERR);
    device.bad = -1;
    expect(device.write(7, 1)).toBe(OK);
    expect(device.brief(0)).toBe('full@8');
  });
});

describe('a conventional zone', () => {
  test('takes writes anywhere and has its write pointer at its end', () => {
    const device = new ZonedDevice({ conventional: 2, zoneCapacitySectors: 32 });
    for (const at of [100, 64, 127]) expect(device.write(at, 1)).toBe(OK);
    expect(device.brief(0, 1, 2)).toBe('not-wp@64 not-wp@128 empty@128');
    expect(device.zones.activeCount).toBe(0);
  });

  test('refuses a write over its end', () => {
    const device = new ZonedDevice({ conventional: 1 });
    expect(device.write(63, 2)).toBe(IOERR);
    expect(device.reached).toEqual([]);
  });
});

test('a flush passes through whatever the zones are', () => {
  const device = new ZonedDevice();
  device.bring(0, ZoneCondition.OFFLINE);
  expect(device.issue(Command.FLUSH, 0, 0).status).toBe(OK);
  expect(device.reached.at(-1)).toEqual([Command.FLUSH, 0, 0]);
});

describe('a discard', () => {
  test('of a whole sequential zone resets it', () => {
    const device = new ZonedDevice();
    device.write(64, 8);
    expect(device.issue(Command.DISCARD, 64, 64).status).toBe(OK);
    expect(device.brief(1)).toBe('empty@64');
    expect(device.discarded).toEqual([[64, 64]]);
  });

  test('of a part of a zone is ignored', () => {
    const device = new ZonedDevice();
    device.write(64, 8);
    expect(device.issue(Command.DISCARD, 64, 63).status).toBe(OK);
    expect(device.brief(1)).toBe('implicit-open@72');
    expect(device.discarded).toEqual([]);
  });

  test('of a conventional zone is ignored', () => {
    const device = new ZonedDevice({ conventional: 1 });
    expect(device.issue(Command.DISCARD, 0, 64).status).toBe(OK);
    expect([device.discarded, device.reached]).toEqual([[], []]);
  });

  test.each([ZoneCondition.READONLY, ZoneCondition.OFFLINE])(
    'of a zone in condition %i fails',
    (condition) => {
      const device = new ZonedDevice();
      device.bring(1, condition);
      expect(device.issue(Command.DISCARD, 64, 64).status).toBe(Status.IOERR);
    },
  );
});
