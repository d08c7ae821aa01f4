import { expect, test } from 'vitest';
import type { Scheduler } from '../../src/time/clock.ts';
import { atOnce, nextTurn, Slicer, type Work } from '../../src/time/slicer.ts';
import { nanoseconds } from '../../src/units.ts';

/** An event loop whose turns are taken by hand. @param pieceNs what a piece of work takes. */
function loop(pieceNs: number) {
  let now = 0;
  const immediates: (() => void)[] = [];
  const scheduler: Scheduler = {
    immediate: (callback) => void immediates.push(callback),
    timeout: () => () => {},
  };
  const slicer = new Slicer({ now: () => nanoseconds(now) }, scheduler);
  let done = '';
  function* work(name: string, pieces: number): Work<string> {
    for (let left = pieces; left > 0; left--) {
      now += pieceNs;
      done += name;
      if (left > 1) yield;
    }
    return name;
  }
  return {
    slicer,
    work,
    /** The names of the pieces that were done since it was asked before. */
    done: () => {
      const said = done;
      done = '';
      return said;
    },
    /** One turn. @returns whether anything was asked for. */
    turn: async () => {
      const due = immediates.splice(0);
      for (const callback of due) callback();
      await Promise.resolve();
      return due.length > 0;
    },
  };
}

test('what fits into the slice of a turn is done at once, and an idle slicer asks for no turn', async () => {
  const { slicer, work, done, turn } = loop(20_000);
  const a = slicer.run(work('a', 5));
  expect(done()).toBe('aaaaa');
  expect(await a).toBe('a');
  expect(await turn()).toBe(true);
  expect(await turn()).toBe(false);
});

test('a slice ends after 200 us, and the work goes on in the next turn', async () => {
  const { slicer, work, done, turn } = loop(50_000);
  const a = slicer.run(work('a', 10));
  expect(done()).toBe('aaaa');
  await turn();
  expect(done()).toBe('aaaa');
  await turn();
  expect(done()).toBe('aa');
  expect(await a).toBe('a');
});

test('all work together has one slice a turn, a piece each in turn', async () => {
  const { slicer, work, done, turn } = loop(50_000);
  const all = [slicer.run(work('a', 4)), slicer.run(work('b', 2)), slicer.run(work('c', 3))];
  expect(done()).toBe('aaaa');
  await turn();
  expect(done()).toBe('bcbc');
  await turn();
  expect(done()).toBe('c');
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
});

test('where the clock stands still, a slice ends after 32 pieces', async () => {
  const { slicer, work, done, turn } = loop(0);
  const a = slicer.run(work('a', 40));
  expect(done().length).toBe(32);
  await turn();
  expect(done().length).toBe(8);
  expect(await a).toBe('a');
});

test('work that asks for work does not wait for itself', async () => {
  const { slicer, work, done, turn } = loop(10_000);
  let inner: Promise<string> | undefined;
  function* outer(): Work {
    inner = slicer.run(work('i', 2));
    yield;
  }
  await slicer.run(outer());
  expect(await inner).toBe('i');
  expect(done()).toBe('ii');
  await turn();
});

test('what work throws is the rejection, and other work goes on', async () => {
  const { slicer, work, turn } = loop(100_000);
  function* failing(): Work {
    yield;
    throw new Error('no');
  }
  const all = [slicer.run(failing()), slicer.run(work('a', 3))];
  const ends = Promise.allSettled(all);
  while (await turn());
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('who gives way waits for the next turn only where the slice is used up', async () => {
  const short = loop(10_000);
  void short.slicer.run(short.work('a', 2));
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  await short.slicer.run(nextTurn()).then(end);
  expect(ended).toBe(true);
  const long = loop(200_000);
  ended = false;
  void long.slicer.run(long.work('a', 1));
  const there = long.slicer.run(nextTurn()).then(end);
  await Promise.resolve();
  expect(ended).toBe(false);
  await long.turn();
  await there;
});

test('at once is without a pause', () => {
  const { work, done } = loop(1e9);
  expect(atOnce(work('a', 100))).toBe('a');
  expect(done().length).toBe(100);
});
