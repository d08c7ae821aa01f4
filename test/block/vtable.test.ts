/** The operations of a driver are found out when its disk is built. rnull-series 46. */

import { expect, test } from 'vitest';
import type { Operations } from '../../src/block/operations.ts';
import { Status } from '../../src/block/status.ts';
import { makeDisk, read, World } from './world.ts';

/** A driver that counts how often each of its operations is looked for. */
function watched(): { driver: Operations; lookedFor: Map<string, number> } {
  const lookedFor = new Map<string, number>();
  const driver: Operations = {
    makeRequestData: () => undefined,
    queueRq: (request) => {
      request.start().endOk();
      return Status.OK;
    },
    exitHctx: () => {},
  };
  const watching = new Proxy(driver, {
    get(target, name, receiver) {
      lookedFor.set(String(name), (lookedFor.get(String(name)) ?? 0) + 1);
      return Reflect.get(target, name, receiver);
    },
  });
  return { driver: watching, lookedFor };
}

test('which operations there are is found out once, when the disk is built', () => {
  const world = new World();
  const { driver, lookedFor } = watched();
  const { disk, hctx } = makeDisk(world, driver, { queues: 2, pollQueues: 1 });
  const optional = [
    ...['makeHctxData', 'queueRqs', 'commitRqs', 'complete', 'queueRqBlocking', 'poll'],
    ...['initHctx', 'exitHctx', 'requestTimeout'],
  ];
  const once = new Map(lookedFor);
  expect(optional.filter((name) => !once.has(name))).toEqual([]);
  for (let at = 0; at < 10; at++) {
    hctx.submit(read(at).bio);
    hctx.unplug();
    disk.queue.readHctx(0).poll();
    world.pass(1e9);
  }
  disk.queue.exit();
  for (const name of optional) expect([name, lookedFor.get(name)]).toEqual([name, once.get(name)]);
});

test('an operation that a driver grows later is not called', () => {
  const { driver } = watched();
  const { hctx } = makeDisk(new World(), driver);
  driver.queueRqs = () => expect.unreachable('it was not there when the disk was built');
  const one = read();
  hctx.submit(one.bio);
  hctx.unplug();
  expect(one.ends).toBe(1);
});

test('an operation is called on its driver', () => {
  class Driver implements Operations {
    #batches = 0;
    get batches(): number {
      return this.#batches;
    }
    makeRequestData(): undefined {}
    queueRq(): Status {
      return Status.IOERR;
    }
    queueRqs(): void {
      this.#batches++;
    }
  }
  const driver = new Driver();
  const { hctx } = makeDisk(new World(), driver);
  hctx.submit(read().bio);
  hctx.unplug();
  expect(driver.batches).toBe(1);
});
