/** A request's data, its timer and its handles are made with the tag set: what a whole device does for
 *  each I/O allocates nothing. Without memory: a copy into part of a buffer takes a view of it, which
 *  JavaScript cannot do without. rnull-series 6, 7, 11. */

import { describe, expect, test } from 'vitest';
import { Bio, type BioOwner } from '../../src/block/bio.ts';
import { Command } from '../../src/block/command.ts';
import type { Sector } from '../../src/units.ts';
import { allocatesNothing } from '../allocated.ts';
import { allocator, World } from '../block/world.ts';
import { wholeDevice } from './whole.ts';

/** Bios in flight at a time. */
const BATCH = 32;

const buffer = new Uint8Array(4096);

/** A client whose memory is there already. */
class Client implements BioOwner {
  readonly bio = new Bio(this, allocator);
  ended = 0;
  provideTarget(bio: Bio): boolean {
    bio.segments.add(buffer, 0, buffer.length);
    return true;
  }
  acceptsViews(): boolean {
    return false;
  }
  park(): void {}
  viewsReady(): void {}
  bioDone(): void {
    this.ended++;
  }
}

/** Writes, reads and flushes, a batch at a time. @param each is called for every request. */
function load(words: readonly string[], each: () => void) {
  const world = new World();
  const { disk } = wholeDevice(world, ['size=1', ...words], { debug: false });
  const clients = Array.from({ length: BATCH }, () => new Client());
  const size = 8 as Sector; // a count of sectors
  const work = (requests: number): void => {
    for (let done = 0; done < requests; done += BATCH) {
      for (let at = 0; at < BATCH; at++) {
        const { bio } = clients[at] as Client; // there are so many
        const command = at % 8 === 7 ? Command.FLUSH : at % 2 === 0 ? Command.WRITE : Command.READ;
        const first = ((done & 1023) + at * 8) as Sector; // on the device
        bio.reset(command, 0, first, command === Command.FLUSH ? (0 as Sector) : size); // no sectors
        if (command === Command.WRITE) bio.segments.add(buffer, 0, buffer.length);
        disk.queue.hctx(0).submit(bio);
        each();
      }
      disk.queue.hctx(0).unplug();
      world.pass(20_000);
    }
  };
  const ended = (): number => clients.reduce((sum, client) => sum + client.ended, 0);
  return { work, ended };
}

/** Whether whole requests to a device allocate nothing. @param each is called for every request. */
async function nothingFor(words: readonly string[], each = () => {}): Promise<boolean> {
  const { work, ended } = load(words, each);
  const nothing = await allocatesNothing(work);
  expect(ended()).toBeGreaterThan(0);
  expect(ended() % BATCH).toBe(0);
  return nothing;
}

describe('a request allocates nothing', () => {
  test.each([
    ['inline', ['irqmode=0']],
    ['deferred', ['irqmode=1']],
    ['by a timer in the data of each', ['irqmode=2']],
  ])('completed %s', async (_, words) => {
    expect(await nothingFor(words)).toBe(true);
  });
});

test('a canary: one small object for each is found out', async () => {
  const kept: { request: number; values: number[] }[] = [];
  let count = 0;
  const each = (): void => {
    kept[0] = { request: count++, values: [count, count] };
  };
  expect(await nothingFor(['irqmode=0'], each)).toBe(false);
});

test('a canary: one of the smallest objects for 16 requests is found out', async () => {
  const kept: object[] = [];
  let count = 0;
  const each = (): void => {
    if (count++ % 16 === 0) kept[0] = {};
  };
  expect(await nothingFor(['irqmode=0'], each)).toBe(false);
});
