/** The request life that every driver mode goes through. Source: docs/rnull-series.md, The life of a request. */

import { expect, test } from 'vitest';
import type { Operations } from '../../src/block/operations.ts';
import type { ARef, Owned } from '../../src/block/owned.ts';
import { Status } from '../../src/block/status.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { bug } from '../../src/units.ts';
import { makeDisk, read, World } from './world.ts';

test('six steps: 0 handed over, 2 shared, 3 mapped, 2 with the device, 3 revived, 2 unmapped, 0 ended', () => {
  const world = new World();
  let owned: Owned | undefined;
  const driver: Operations = {
    makeRequestData: () => undefined,
    queueRq: (request) => {
      owned = request.start();
      return Status.OK;
    },
  };
  const { hctx, set } = makeDisk(world, driver);
  const one = read(0, 8);
  expect(hctx.submit(one.bio)).toBe(true);
  hctx.unplug();
  const request = owned ?? bug('queueRq was not called');
  const tag = request.tag();
  const counts: number[] = [];
  const count = (): void => {
    counts.push(set.counts[tag] ?? -1);
  };

  count(); // 1. the driver owns it alone
  expect(set.tagToRq(tag)).toBeUndefined();

  const shared: ARef = request.intoShared();
  count(); // 2. shared
  const slab = createSlabAllocator({}).take() ?? bug('no memory');
  one.bio.views.add(slab, 0, 4096);
  shared.map();
  count(); //    and its data mapped
  expect(hctx.pool.mapped).toBe(1);

  shared.drop();
  count(); // 3. the device has it, the driver's reference is gone

  const completion = set.tagToRq(tag) ?? bug('the request is not in flight');
  count(); // 4. revived by its tag
  expect(completion.tryFromShared()).toBeUndefined(); // the reply still shows the pages
  completion.complete(Status.OK);
  expect({ views: one.views, ends: one.ends, inUse: hctx.pool.inUse }).toEqual({
    views: 1,
    ends: 0,
    inUse: 1,
  });

  const put = set.requests[tag]?.put.bind(set.requests[tag]);
  Object.assign(set.requests[tag] ?? {}, {
    put: () => {
      put?.();
      count(); // 5. the reply was sent: the mapping is undone
    },
  });
  one.bio.unmap();
  count(); // 6. compare-exchange 2 -> 0, and ended

  expect(counts).toEqual([0, 2, 3, 2, 3, 2, 0]);
  expect({ status: one.status, ends: one.ends, inUse: hctx.pool.inUse }).toEqual({
    status: Status.OK,
    ends: 1,
    inUse: 0,
  });
  expect(slab.pins).toBe(0);
  expect(hctx.pool.mapped).toBe(0);
  expect(set.tagToRq(tag)).toBeUndefined();
});
