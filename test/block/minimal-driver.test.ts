import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { RamDriver } from './minimal-driver.ts';
import { makeDisk, read, TestBio, World } from './world.ts';

test('a whole driver takes 60 lines', () => {
  const text = readFileSync(new URL('minimal-driver.ts', import.meta.url), 'utf8');
  expect(text.trim().split('\n').length).toBeLessThanOrEqual(60);
});

test.each([0, 3, 8])('it keeps data, in requests of at most %i sectors', (maxSectors) => {
  const world = new World();
  const { hctx, set } = makeDisk(world, new RamDriver(1 << 20), { limits: { maxSectors } });
  const payload = Uint8Array.from({ length: 20 * 512 }, (_, i) => (i * 13) & 0xff);
  const write = new TestBio(Command.WRITE, 7, 20, payload);
  while (!hctx.submit(write.bio)) world.settle();
  hctx.unplug();
  expect(write.ends).toBe(0); // not before the deferred context
  world.settle();
  expect(write).toMatchObject({ ends: 1, status: Status.OK });

  const back = read(0, 40);
  while (!hctx.submit(back.bio)) world.settle();
  world.settle();
  const found = back.bio.segments.buffer(0);
  expect(Buffer.from(found.subarray(7 * 512, 27 * 512)).equals(payload)).toBe(true);
  expect(found.subarray(0, 7 * 512).every((byte) => byte === 0)).toBe(true);
  expect(set.inFlight).toBe(0);
});

test('what it does not do ends with an error', () => {
  const world = new World();
  const { hctx } = makeDisk(world, new RamDriver(1 << 20));
  const discard = new TestBio(Command.DISCARD, 0, 8);
  expect(hctx.submit(discard.bio)).toBe(true);
  world.settle();
  expect(discard).toMatchObject({ ends: 1, status: Status.NOTSUPP });
});
