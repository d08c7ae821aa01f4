import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { type NullData, type NullOwned, NullRequestData } from '../../../src/driver/completion.ts';
import type { Step } from '../../../src/driver/path.ts';
import { zoneReadClip } from '../../../src/driver/zones/read-clip.ts';
import { zoneRules } from '../../../src/driver/zones/zone-rules.ts';
import { ZoneSet } from '../../../src/driver/zones/zone-set.ts';
import type { Sector } from '../../../src/units.ts';
import { makeDisk, TestBio, World } from '../../block/world.ts';
import { zoneOptions } from './world.ts';

/** A started request, in the form that is not checked. */
function plainRequest(use: (request: NullOwned) => void): void {
  const { hctx } = makeDisk<NullData>(
    new World(),
    {
      makeRequestData: () => new NullRequestData(),
      queueRq: (request) => {
        const owned = request.start();
        use(owned);
        owned.end(Status.OK);
        return Status.OK;
      },
    },
    { debug: false },
  );
  hctx.submit(new TestBio(Command.WRITE, 0, 8, new Uint8Array(0)).bio);
  hctx.unplug();
}

/** Writes, reads across the write pointer, refused writes, finishes and resets, in turn over zones. */
function work(request: NullOwned, step: Step, count: number): void {
  const { slot } = request;
  const size = 8 as Sector; // a count of sectors
  for (let i = 0; i < count; i++) {
    const turn = (i >> 3) % 5;
    const at = ((i & 7) * 64 + (turn < 2 ? turn * 8 : 0)) as Sector; // in the zones' first 16 sectors
    slot.command = turn < 3 ? Command.WRITE : turn === 3 ? Command.READ : Command.ZONE_RESET;
    slot.sector = at;
    step(request, size);
  }
}

/** How often memory was collected while `step` did four million requests. */
async function collections(step: Step): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  plainRequest((request) => {
    work(request, step, 200_000);
    observer.observe({ entryTypes: ['gc'] });
    work(request, step, 4_000_000);
  });
  for (let turn = 0; turn < 3; turn++) await setImmediate(); // entries are delivered later
  observer.disconnect();
  return count;
}

const nothing: Step = (_, sectors) => sectors;

test('nothing is allocated for a request, refused ones included', async () => {
  const zones = new ZoneSet(zoneOptions({ maxOpen: 3 }), () => true);
  const step = zoneRules(
    zones,
    zoneReadClip(zones, nothing, () => {}),
  );
  // One small object per request would be 64 MB, and some four collections.
  expect(await collections(step)).toBeLessThanOrEqual(1);
});

test('a canary: a step that allocates is found out', async () => {
  const kept: { request: NullOwned }[] = [];
  const step: Step = (request, sectors) => {
    kept[0] = { request };
    return sectors;
  };
  expect(await collections(step)).toBeGreaterThan(1);
});
