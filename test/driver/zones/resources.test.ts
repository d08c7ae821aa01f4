import { describe, expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { ZonedDevice } from './world.ts';

const { OK, ZONE_OPEN_RESOURCE, ZONE_ACTIVE_RESOURCE } = Status;
const all = [0, 1, 2, 3, 4, 5, 6, 7];

/** The zones that are implicitly open. */
function implicit(device: ZonedDevice): number[] {
  return all.filter((index) => device.brief(index).startsWith('implicit'));
}

describe('at the limit of open zones', () => {
  test('a write closes an implicitly open zone', () => {
    const device = new ZonedDevice({ maxOpen: 2 });
    for (const zone of [0, 1, 2]) expect(device.write(zone * 64, 8)).toBe(OK);
    expect(device.brief(0, 1, 2)).toBe('closed@8 implicit-open@72 implicit-open@136');
    expect([device.zones.openCount, device.zones.activeCount]).toEqual([2, 3]);
  });

  test('an explicit open and a finish close one too', () => {
    const device = new ZonedDevice({ maxOpen: 1 });
    device.write(0, 8);
    expect(device.open(64)).toBe(OK);
    expect(device.brief(0, 1)).toBe('closed@8 explicit-open@64');
    device.close(64);
    device.write(128, 8);
    expect(device.finish(0)).toBe(OK);
    expect(device.brief(0, 2)).toBe('full@64 closed@136');
  });

  test('zones that were opened explicitly do not give way', () => {
    const device = new ZonedDevice({ maxOpen: 2 });
    device.open(0);
    device.open(64);
    expect(device.write(128, 8)).toBe(ZONE_OPEN_RESOURCE);
    expect(device.open(128)).toBe(ZONE_OPEN_RESOURCE);
    expect(device.finish(128)).toBe(ZONE_OPEN_RESOURCE);
    expect(device.brief(2)).toBe('empty@128');
    expect(device.reached).toEqual([]);
  });

  test('an implicitly open zone may become explicit, and an open one be finished', () => {
    const device = new ZonedDevice({ maxOpen: 1, maxActive: 1 });
    device.write(0, 8);
    expect(device.open(0)).toBe(OK);
    expect(device.write(8, 8)).toBe(OK);
    expect(device.finish(0)).toBe(OK);
    expect([device.zones.openCount, device.zones.activeCount]).toEqual([0, 0]);
  });

  test('an implicitly open zone that wrote nothing becomes empty', () => {
    const device = new ZonedDevice({ maxOpen: 1 });
    device.bad = 0;
    device.write(0, 8);
    expect(device.write(64, 8)).toBe(OK);
    expect(device.brief(0, 1)).toBe('empty@0 implicit-open@72');
    expect(device.zones.activeCount).toBe(1);
  });

  test('the search for a zone to close goes round, from behind the last one', () => {
    const device = new ZonedDevice({ maxOpen: 3 });
    const steps: [number, number[]][] = [
      [5, [5]],
      [1, [1, 5]],
      [3, [1, 3, 5]],
      [0, [0, 3, 5]], // 1 closed, the first at power on
      [2, [0, 2, 5]], // 3 closed, behind 1
      [4, [0, 2, 4]], // 5 closed, behind 3
      [6, [2, 4, 6]], // 0 closed, round the end
      [1, [1, 4, 6]], // 2 closed, behind 0
    ];
    for (const [zone, open] of steps) {
      device.write(device.zone(zone).writePointer, 1);
      expect(implicit(device)).toEqual(open);
    }
  });

  test('the search begins behind the conventional zones and passes explicitly open ones', () => {
    const device = new ZonedDevice({ maxOpen: 2, conventional: 2 });
    device.open(128);
    device.write(192, 1);
    expect(device.write(256, 1)).toBe(OK);
    expect(device.brief(2, 3, 4)).toBe('explicit-open@128 closed@193 implicit-open@257');
    expect(device.write(320, 1)).toBe(OK);
    expect(device.brief(2, 4)).toBe('explicit-open@128 closed@257');
  });

  test('a close by request does not move the place where the search begins', () => {
    const device = new ZonedDevice({ maxOpen: 2 });
    device.write(0, 1);
    device.write(64, 1);
    device.close(64);
    device.write(128, 1);
    device.write(192, 1);
    expect(implicit(device)).toEqual([2, 3]);
  });
});

describe('at the limit of active zones', () => {
  test('no empty zone is opened, and none closed for it', () => {
    const device = new ZonedDevice({ maxActive: 2 });
    device.write(0, 8);
    device.write(64, 8);
    device.close(64);
    for (const command of [Command.WRITE, Command.ZONE_OPEN, Command.ZONE_FINISH])
      expect(device.issue(command, 128, 8).status).toBe(ZONE_ACTIVE_RESOURCE);
    expect(device.brief(0, 1, 2)).toBe('implicit-open@8 closed@72 empty@128');
  });

  test('a closed zone, which is active already, may be opened', () => {
    const device = new ZonedDevice({ maxActive: 2 });
    device.write(0, 8);
    device.write(64, 8);
    device.close(64);
    expect(device.write(72, 8)).toBe(OK);
  });

  test.each([
    ['a finish', (device: ZonedDevice) => device.finish(0)],
    ['a reset', (device: ZonedDevice) => device.reset(0)],
    ['a read-only zone', (device: ZonedDevice) => device.zones.setCondition(0, 'read-only')],
    ['an offline zone', (device: ZonedDevice) => device.zones.setCondition(0, 'offline')],
    ['a zone written full', (device: ZonedDevice) => device.write(8, 56)],
  ])('%s makes room for another', (_, act) => {
    const device = new ZonedDevice({ maxActive: 1 });
    device.write(0, 8);
    expect(device.write(64, 8)).toBe(ZONE_ACTIVE_RESOURCE);
    act(device);
    expect(device.write(64, 8)).toBe(OK);
  });
});

test('at both limits a closed zone cannot be opened, though an implicitly open one could give way', () => {
  const device = new ZonedDevice({ maxOpen: 1, maxActive: 2 });
  device.write(0, 8);
  device.write(64, 8);
  expect(device.brief(0, 1)).toBe('closed@8 implicit-open@72');
  expect(device.write(8, 8)).toBe(ZONE_OPEN_RESOURCE);
  expect(device.finish(0)).toBe(ZONE_OPEN_RESOURCE);
});

test('the limit of active zones is looked at before that of open ones', () => {
  const device = new ZonedDevice({ maxOpen: 1, maxActive: 1 });
  device.open(0);
  expect(device.write(64, 8)).toBe(ZONE_ACTIVE_RESOURCE);
});
