import { describe, expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { ZonedDevice } from './world.ts';

const { OK, IOERR } = Status;

/** Each condition, and what each operation makes of it; zone 1 with eight sectors written. */
const outcomes = [
  //               before                    open                 close           finish
  ['EMPTY', 'empty@64', 'explicit-open@64', 'fails', 'full@128', 'empty@64'],
  ['IMP_OPEN', 'implicit-open@72', 'explicit-open@72', 'closed@72', 'full@128', 'empty@64'],
  ['EXP_OPEN', 'explicit-open@72', 'explicit-open@72', 'closed@72', 'full@128', 'empty@64'],
  ['CLOSED', 'closed@72', 'explicit-open@72', 'closed@72', 'full@128', 'empty@64'],
  ['FULL', 'full@128', 'fails', 'fails', 'full@128', 'empty@64'],
  ['READONLY', 'read-only@-1', 'fails', 'fails', 'fails', 'fails'],
  ['OFFLINE', 'offline@-1', 'fails', 'fails', 'fails', 'fails'],
  ['NOT_WP', 'not-wp@128', 'fails', 'fails', 'fails', 'fails'],
] as const;

describe.each(outcomes)('a zone that is %s', (name, before, open, close, finish, reset) => {
  test.each([
    ['open', Command.ZONE_OPEN, open],
    ['close', Command.ZONE_CLOSE, close],
    ['finish', Command.ZONE_FINISH, finish],
    ['reset', Command.ZONE_RESET, reset],
  ] as const)('%s', (_, command, after) => {
    const condition = ZoneCondition[name];
    const device = new ZonedDevice({ conventional: condition === ZoneCondition.NOT_WP ? 2 : 0 });
    device.bring(1, condition);
    expect(device.brief(1)).toBe(before);
    const { status } = device.issue(command, 64, 64);
    expect(status).toBe(after === 'fails' ? IOERR : OK);
    expect(device.brief(1)).toBe(after === 'fails' ? before : after);
    const open = device.brief(1).includes('open') ? 1 : 0;
    expect(device.zones.openCount).toBe(open);
    expect(device.zones.activeCount).toBe(device.brief(1).startsWith('closed') ? 1 : open);
  });
});

describe('zone management', () => {
  test('acts on the zone that holds the sector', () => {
    const device = new ZonedDevice();
    expect(device.open(100)).toBe(OK);
    expect(device.brief(0, 1, 2)).toBe('empty@0 explicit-open@64 empty@128');
  });

  test('never asks the inner steps', () => {
    const device = new ZonedDevice();
    for (const act of ['open', 'close', 'finish', 'reset'] as const) device[act](0);
    device.issue(Command.ZONE_RESET_ALL, 0, 512);
    expect(device.reached).toEqual([]);
  });

  test('close of an open zone with nothing written makes it empty', () => {
    const device = new ZonedDevice();
    device.open(0);
    expect(device.close(0)).toBe(OK);
    expect(device.brief(0)).toBe('empty@0');
    expect(device.zones.activeCount).toBe(0);
  });

  test('finish of a zone full by writing moves its write pointer from its capacity to its end', () => {
    const device = new ZonedDevice({ zoneCapacitySectors: 40 });
    device.write(0, 40);
    expect(device.brief(0)).toBe('full@40');
    expect(device.finish(0)).toBe(OK);
    expect(device.brief(0)).toBe('full@64');
  });

  test('finish of the short last zone puts the write pointer at the end of the device', () => {
    const device = new ZonedDevice({ capacity: 160 });
    expect(device.finish(128)).toBe(OK);
    expect(device.brief(2)).toBe('full@160');
  });
});

describe('reset', () => {
  test('discards the whole zone', () => {
    const device = new ZonedDevice({ capacity: 160, zoneCapacitySectors: 40 });
    device.write(64, 8);
    device.reset(64);
    device.reset(128);
    expect(device.discarded).toEqual([
      [64, 64],
      [128, 32],
    ]);
  });

  test('discards an empty zone too, which may have data from before a power off', () => {
    const device = new ZonedDevice();
    expect(device.reset(0)).toBe(OK);
    expect(device.discarded).toEqual([[0, 64]]);
  });

  test('without memory to discard with fails and leaves the zone as it was', () => {
    const device = new ZonedDevice();
    device.write(0, 8);
    device.outOfMemory = true;
    expect(device.reset(0)).toBe(Status.NOSPC);
    expect(device.brief(0)).toBe('implicit-open@8');
    device.outOfMemory = false;
    expect(device.reset(0)).toBe(OK);
  });
});

describe('reset all', () => {
  test('resets every sequential zone that is neither empty, read-only nor offline', () => {
    const device = new ZonedDevice({ conventional: 1 });
    const { EMPTY, IMP_OPEN, EXP_OPEN, CLOSED, READONLY, FULL, OFFLINE } = ZoneCondition;
    const conditions = [EMPTY, IMP_OPEN, EXP_OPEN, CLOSED, READONLY, FULL, OFFLINE];
    for (const [at, condition] of conditions.entries()) device.bring(at + 1, condition);
    expect(device.issue(Command.ZONE_RESET_ALL, 0, 512).status).toBe(OK);
    expect(device.brief(0, 1, 2, 3, 4, 5, 6, 7)).toBe(
      'not-wp@64 empty@64 empty@128 empty@192 empty@256 read-only@-1 empty@384 offline@-1',
    );
    expect(device.discarded.map(([at]) => at)).toEqual([128, 192, 256, 384]);
    expect([device.zones.openCount, device.zones.activeCount]).toEqual([0, 0]);
  });

  test('succeeds when there is nothing to do', () => {
    const device = new ZonedDevice();
    expect(device.issue(Command.ZONE_RESET_ALL, 0, 512).status).toBe(OK);
    expect(device.discarded).toEqual([]);
  });

  test('says so when memory to discard with ran out', () => {
    const device = new ZonedDevice();
    device.write(0, 8);
    device.outOfMemory = true;
    expect(device.issue(Command.ZONE_RESET_ALL, 0, 512).status).toBe(Status.NOSPC);
    expect(device.brief(0)).toBe('implicit-open@8');
  });
});
