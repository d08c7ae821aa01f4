/** Violations of the counts are loud, in debug mode and out of it. rnull-series 5, 25, 34, 68, 69. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ARef, IdleRequest } from '../../src/block/owned.ts';
import { Status } from '../../src/block/status.ts';
import { bug } from '../../src/units.ts';
import { makeDisk, read, World } from './world.ts';

function catcher(debug: boolean) {
  const idles: IdleRequest[] = [];
  const made = makeDisk(
    new World(),
    {
      makeRequestData: () => undefined,
      queueRq: (request) => {
        idles.push(request);
        return Status.OK;
      },
    },
    { debug },
  );
  const next = (): IdleRequest => {
    const { bio } = read();
    made.hctx.submit(bio);
    made.hctx.unplug();
    return idles.pop() ?? bug('nothing was queued');
  };
  return { ...made, next };
}

describe.each([
  ['in debug mode', true],
  ['out of debug mode', false],
])('%s', (_, debug) => {
  test('a request starts once', () => {
    const { next } = catcher(debug);
    const idle = next();
    idle.start();
    expect(() => idle.start()).toThrow(/^bug: tag \d+: /);
  });

  test('a request ends once', () => {
    const { next } = catcher(debug);
    const owned = next().start();
    owned.endOk();
    expect(() => owned.endOk()).toThrow(/tag \d+: /);
  });

  test('an owner is the only one: sharing twice is caught', () => {
    const { next } = catcher(debug);
    const owned = next().start();
    owned.intoShared();
    expect(() => owned.intoShared()).toThrow(/^bug: tag \d+: /);
  });

  test('a request that is shared does not end: its references are counted', () => {
    const { next } = catcher(debug);
    const owned = next().start();
    owned.intoShared();
    expect(() => owned.end(Status.OK)).toThrow(/^bug: tag \d+: /);
  });

  test('the count of a request never falls to 0 by a drop', () => {
    const { next, set } = catcher(debug);
    const shared = next().start().intoShared();
    const tag = shared.tag();
    shared.drop();
    expect(set.counts[tag]).toBe(1);
    expect(() => shared.drop()).toThrow(/^bug: tag \d+: /);
  });

  test('of two references neither becomes the owner, and no completion gets through', () => {
    const { next } = catcher(debug);
    const shared = next().start().intoShared();
    const clone = shared.clone();
    expect(shared.tryFromShared()).toBeUndefined();
    expect(() => clone.complete(Status.OK)).toThrow(/completed while 1 others hold it/);
  });

  test('a tag finds its request only while the driver has it in flight', () => {
    const { next, set } = catcher(debug);
    const idle = next();
    const tag = idle.tag();
    const found = (): boolean => set.tagToRq(tag) !== undefined;
    expect(found()).toBe(false); // issued, not started
    const owned = idle.start();
    expect(found()).toBe(false); // the driver owns it alone
    const shared = owned.intoShared();
    const revived = set.tagToRq(tag) ?? bug('it is in flight');
    expect(set.counts[tag]).toBe(3);
    revived.drop();
    shared.tryFromShared()?.endOk();
    expect(found()).toBe(false); // ended
    expect(() => set.tagToRq(99 as typeof tag)).toThrow('no tag 99'); // no tag of the set
  });
});

type Step = 'clone' | 'drop' | 'revive' | 'own';
const steps = fc.array(fc.constantFrom<Step>('clone', 'drop', 'revive', 'own'), { maxLength: 40 });

test.each([true, false])(
  'whatever is cloned, dropped and revived, the count is the references and one (debug %s)',
  (debug) => {
    fc.assert(
      fc.property(steps, (taken) => {
        const { next, set } = catcher(debug);
        const first = next().start().intoShared();
        const tag = first.tag();
        const references: ARef[] = [first];
        for (const step of taken) {
          const last = references.at(-1);
          if (step === 'clone' && last !== undefined) references.push(last.clone());
          if (step === 'drop') references.pop()?.drop();
          if (step === 'revive') references.push(set.tagToRq(tag) ?? bug('it is in flight'));
          if (step === 'own' && last !== undefined) {
            const owned = last.tryFromShared();
            expect(owned !== undefined).toBe(references.length === 1);
            if (owned !== undefined) references[0] = owned.intoShared();
          }
          expect(set.counts[tag]).toBe(references.length + 1);
        }
      }),
    );
  },
);
