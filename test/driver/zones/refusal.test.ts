import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { ZoneCondition } from '../../../src/driver/zones/zone.ts';
import { type Geometry, ZonedDevice } from './world.ts';

type Case = [text: string, geometry: Geometry, act: (device: ZonedDevice) => unknown];

const cases: Case[] = [
  [
    'zone 1: write at sector 64 but the write pointer is at 72',
    {},
    (device) => [device.write(64, 8), device.write(64, 8)],
  ],
  [
    'zone 0: write of 9 sectors at sector 0 but its capacity ends at 8',
    { zoneCapacitySectors: 8 },
    (device) => device.write(0, 9),
  ],
  [
    'zone 0: write of 2 sectors at sector 63 but its capacity ends at 64',
    { conventional: 1 },
    (device) => device.write(63, 2),
  ],
  ['zone 3: write but the zone is full', { full: true }, (device) => device.write(192, 1)],
  [
    'zone 0: write of zeroes but the zone is read-only',
    {},
    (device) => {
      device.bring(0, ZoneCondition.READONLY);
      device.issue(Command.WRITE_ZEROES, 8, 8);
    },
  ],
  [
    'zone 0: read but the zone is offline',
    {},
    (device) => {
      device.bring(0, ZoneCondition.OFFLINE);
      device.issue(Command.READ, 0, 8);
    },
  ],
  [
    'zone 0: append of 9 sectors at sector 0 but its capacity ends at 8',
    { zoneCapacitySectors: 8 },
    (device) => device.issue(Command.ZONE_APPEND, 0, 9),
  ],
  [
    'zone 0: append of 9 sectors but an append has at most 8',
    { appendMaxSectors: 8 },
    (device) => device.issue(Command.ZONE_APPEND, 0, 9),
  ],
  [
    'zone 0: append at sector 8 but the zone starts at 0',
    {},
    (device) => device.issue(Command.ZONE_APPEND, 8, 1),
  ],
  [
    'zone 0: append but zone append is off (zone_append_max_sectors is 0)',
    { appendMaxSectors: 0 },
    (device) => device.issue(Command.ZONE_APPEND, 0, 1),
  ],
  [
    'zone 0: append but the zone is conventional',
    { conventional: 1 },
    (device) => device.issue(Command.ZONE_APPEND, 0, 1),
  ],
  [
    'zone 0: finish but the zone is conventional',
    { conventional: 1 },
    (device) => device.finish(0),
  ],
  ['zone 2: close but the zone is empty', {}, (device) => device.close(128)],
  ['zone 2: open but the zone is full', { full: true }, (device) => device.open(128)],
  [
    'zone 1: write but no more than 1 may be open (zone_max_open)',
    { maxOpen: 1 },
    (device) => [device.open(0), device.write(64, 1)],
  ],
  [
    'zone 1: open but no more than 1 may be active (zone_max_active)',
    { maxActive: 1 },
    (device) => [device.write(0, 1), device.open(64)],
  ],
  [
    'zone 0: reset but there is no memory to discard its data',
    {},
    (device) => {
      device.outOfMemory = true;
      device.reset(0);
    },
  ],
  [
    'reset of all zones: no memory to discard their data',
    {},
    (device) => {
      device.write(0, 1);
      device.outOfMemory = true;
      device.issue(Command.ZONE_RESET_ALL, 0, 512);
    },
  ],
  [
    'zone 1: discard but the zone is read-only',
    {},
    (device) => {
      device.bring(1, ZoneCondition.READONLY);
      device.issue(Command.DISCARD, 64, 64);
    },
  ],
];

test.each(cases)('a refusal is told in words: %s', (text, geometry, act) => {
  const device = new ZonedDevice(geometry);
  act(device);
  expect(device.refused).toEqual([text]);
});

test('what is not refused is not told', () => {
  const device = new ZonedDevice();
  device.write(0, 8);
  device.bad = 8;
  device.write(8, 8); // fails inside, not by the rules
  device.finish(0);
  device.reset(0);
  expect(device.refused).toEqual([]);
});
