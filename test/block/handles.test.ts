import { describe, expect, test } from 'vitest';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { Operations } from '../../src/block/operations.ts';
import { ARef, IdleRequest, Owned } from '../../src/block/owned.ts';
import { Status } from '../../src/block/status.ts';
import { bug, sector } from '../../src/units.ts';
import { makeDisk, read, World } from './world.ts';

interface Five extends DriverData {
  readonly request: number;
}

/** A driver that leaves its requests to the test. */
function catcher(debug = true) {
  const world = new World();
  const idles: IdleRequest<Five>[] = [];
  const driver: Operations<Five> = {
    makeRequestData: () => 5,
    queueRq: (request) => {
      idles.push(request);
      return Status.OK;
    },
  };
  const { hctx, set, disk } = makeDisk(world, driver, { debug });
  const next = (): IdleRequest<Five> => {
    const bio = read(3, 8);
    hctx.submit(bio.bio);
    hctx.unplug();
    return idles.pop() ?? bug('nothing was queued');
  };
  return { world, hctx, set, disk, next };
}

describe('in debug mode a handle that was moved from throws, and names the tag', () => {
  test('every method of every handle', () => {
    const { next } = catcher();
    const idle = next();
    const tag = idle.tag();
    const owned = idle.start();
    const shared = owned.intoShared();
    const again = shared.tryFromShared() ?? bug('not the only reference');
    const last = again.intoShared();
    const clone = last.clone();
    clone.drop();
    const final = last.tryFromShared() ?? bug('not the only reference');
    final.end(Status.OK);
    for (const handle of [idle, owned, shared, again, last, clone, final]) {
      const names = [IdleRequest, Owned, ARef].flatMap((kind) =>
        handle instanceof kind ? methodsOf(kind.prototype) : [],
      );
      expect(names.length).toBeGreaterThan(12);
      for (const name of names) {
        const method: unknown = Reflect.get(handle, name);
        if (typeof method !== 'function') throw new Error(`${name} is not a method`);
        expect(() => method.call(handle, 0), name).toThrow(`tag ${tag}:`);
      }
    }
  });

  test('a requeued one too', () => {
    const { next } = catcher();
    const owned = next().start();
    owned.requeue(false);
    expect(() => owned.end(Status.OK)).toThrow('moved from');
  });
});

function methodsOf(prototype: object): string[] {
  const names: string[] = [];
  for (let at = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at).filter((name) => name !== 'constructor'));
  }
  return names;
}

test('otherwise the handles of a tag are the same objects for ever: no I/O allocates one', () => {
  const { next, set } = catcher(false);
  const handles = () => {
    const idle = next();
    const owned = idle.start();
    const shared = owned.intoShared();
    const clone = shared.clone();
    const revived = set.tagToRq(idle.tag());
    revived?.drop();
    clone.drop();
    const back = shared.tryFromShared() ?? bug('not the only reference');
    back.end(Status.OK);
    return [idle, owned, shared, clone, revived, back];
  };
  const first = handles();
  const second = handles();
  for (const [at, handle] of first.entries()) expect(second[at]).toBe(handle);
});

test('a handle tells the request', () => {
  const { next, hctx, disk, world } = catcher();
  const idle = next();
  expect(idle.sector()).toBe(3);
  expect(idle.sectors()).toBe(8);
  expect(idle.bytes()).toBe(4096);
  expect(idle.data()).toBe(5);
  expect(idle.hctx()).toBe(hctx);
  expect(idle.queue()).toBe(disk.queue);
  expect(idle.queueIndex()).toBe(0);
  expect(idle.isFua()).toBe(false);
  const owned = idle.start();
  owned.setSector(sector(77)); // zone append tells where the data went
  expect(owned.sector()).toBe(77);
  owned.end(Status.OK);
  world.settle();
});

describe('the counts', () => {
  test('many references: only the last can own the request again', () => {
    const { next, set } = catcher();
    const shared = next().start().intoShared();
    const tag = shared.tag();
    const clones = [shared.clone(), shared.clone()];
    expect(set.counts[tag]).toBe(4);
    expect(shared.tryFromShared()).toBeUndefined();
    for (const clone of clones) clone.drop();
    expect(set.counts[tag]).toBe(2);
    shared.tryFromShared()?.endOk();
    expect(set.counts[tag]).toBe(0);
  });

  test('without a reference the device has it (1), and only its tag finds it', () => {
    const { next, set } = catcher();
    const shared = next().start().intoShared();
    const tag = shared.tag();
    shared.drop();
    expect(set.counts[tag]).toBe(1);
    const revived = set.tagToRq(tag);
    expect(set.counts[tag]).toBe(2);
    revived?.complete(Status.OK);
    expect(set.counts[tag]).toBe(0);
    expect(set.tagToRq(tag)).toBeUndefined();
  });

  test('an idle request cannot be revived', () => {
    const { next, set } = catcher();
    expect(set.tagToRq(next().tag())).toBeUndefined();
  });

  test('completing while others hold it is a bug of the driver, named', () => {
    const { next } = catcher();
    const shared = next().start().intoShared();
    shared.clone();
    expect(() => shared.complete(Status.OK)).toThrow(/completed while 1 others hold it/);
  });
});
