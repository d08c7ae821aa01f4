import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status } from '../../../src/block/status.ts';
import { type NullData, type NullOwned, NullRequestData } from '../../../src/driver/completion.ts';
import type { Step } from '../../../src/driver/path.ts';
import { zoneReadClip } from '../../../src/driver/zones/read-clip.ts';
import { zoneRules } from '../../../src/driver/zones/zone-rules.ts';
import { ZoneSet } from '../../../src/driver/zones/zone-set.ts';
import { bug, type Sector } from '../../../src/units.ts';
import { allocatesNothing } from '../../allocated.ts';
import { makeDisk, TestBio, World } from '../../block/world.ts';
import { zoneOptions } from './world.ts';

/** A started request, in the form that is not checked. It never ends. */
function startedRequest(): NullOwned {
  const started: NullOwned[] = [];
  const { hctx } = makeDisk<NullData>(
    new World(),
    {
      makeRequestData: () => new NullRequestData(),
      queueRq: (request) => {
        started.push(request.start());
        return Status.OK;
      },
    },
    { debug: false },
  );
  hctx.submit(new TestBio(Command.WRITE, 0, 8, new Uint8Array(0)).bio);
  hctx.unplug();
  return started[0] ?? bug('it was not started');
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

/** Whether `step` allocates nothing for a request. */
async function nothingFor(step: Step): Promise<boolean> {
  const request = startedRequest();
  return await allocatesNothing((count) => work(request, step, count));
}

const nothing: Step = (_, sectors) => sectors;

test('nothing is allocated for a request, refused ones included', async () => {
  const zones = new ZoneSet(zoneOptions({ maxOpen: 3 }), () => true);
  const step = zoneRules(
    zones,
    zoneReadClip(zones, nothing, () => {}),
  );
  expect(await nothingFor(step)).toBe(true);
});

test('a canary: a step that allocates is found out', async () => {
  const kept: { request: NullOwned }[] = [];
  const step: Step = (request, sectors) => {
    kept[0] = { request };
    return sectors;
  };
  expect(await nothingFor(step)).toBe(false);
});
