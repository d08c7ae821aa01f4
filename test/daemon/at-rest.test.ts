/** Requests of the control side while nobody else is there: what they leave to be done must wake the
 *  daemon by itself. The event loop is by hand: where nothing is arranged for, nothing will ever come. */

import { describe, expect, test } from 'vitest';
import { makeDataPath } from '../../src/daemon/data-path.ts';
import { makeTiming } from '../../src/daemon/timing.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { withDefaults } from '../../src/server/client-limits.ts';
import type { Scheduler } from '../../src/time/clock.ts';
import { bug, nanoseconds } from '../../src/units.ts';
import { MACHINE, resolved } from '../config/words.ts';

const TURN_NS = 100_000;
/** A timer is watched for in its last 2 ms, and a request may meet two, and some turns of its own. */
const TURNS_PER_REQUEST = 60;

class Loop implements Scheduler {
  now = 0;
  turns = 0;
  #immediates: (() => void)[] = [];
  #timeouts: { readonly callback: () => void; readonly at: number }[] = [];

  immediate(callback: () => void): void {
    this.#immediates.push(callback);
  }

  timeout(callback: () => void, milliseconds: number): () => void {
    const entry = { callback, at: this.now + milliseconds * 1e6 };
    this.#timeouts.push(entry);
    return () => {
      this.#timeouts = this.#timeouts.filter((one) => one !== entry);
    };
  }

  /** Runs until `work` has ended. @throws when it waits and nothing would ever wake the program. */
  async until<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const settled = work.finally(() => {
      over = true;
    });
    settled.catch(() => {});
    for (;;) {
      await new Promise(setImmediate); // promises go on
      if (over) return await settled;
      this.#turn();
    }
  }

  #turn(): void {
    this.turns++;
    const due = this.#immediates.splice(0);
    if (due.length > 0) {
      this.now += TURN_NS;
      for (const callback of due) callback();
      return;
    }
    const [next] = this.#timeouts.toSorted((a, b) => a.at - b.at);
    if (next === undefined) throw new Error('it waits, and nothing would ever wake it');
    this.#timeouts = this.#timeouts.filter((one) => one !== next);
    this.now = Math.max(this.now, next.at);
    next.callback();
  }
}

async function serve(...words: string[]) {
  const loop = new Loop();
  const timing = makeTiming({ now: () => nanoseconds(loop.now) }, loop, nanoseconds(0));
  const parameters = resolved('size=64', 'memory_backed=1', ...words);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const { tree } = makeDataPath(
    { parameters, machine: MACHINE, log, faultSeed: 'test', debug: true },
    {
      ...{ timing, limits: withDefaults(), allocator: createSlabAllocator() },
      openStream: () => bug('no client comes'),
      ...{ share: undefined, tls: undefined, tlsMode: 'off', notice: () => {} },
    },
  );
  await loop.until(tree.create('nullb0', new Map([['power', '1']])));
  return { loop, tree };
}

const ways = [
  ['irqmode=0'],
  ['irqmode=1'],
  ['irqmode=2', 'completion_nsec=10000'],
  ['irqmode=2', 'completion_nsec=30000000'],
  ['requeue=1,100,0,4'],
  ['requeue=2,100,0,-1', 'irqmode=1'],
  ['mbps=1', 'irqmode=2'],
  ['hw_queue_depth=1', 'irqmode=1'],
  ['hw_queue_depth=1', 'no_sched=1', 'irqmode=2'],
];

describe.each(ways)('with %s %s %s', (...words) => {
  const given = words.filter((word) => word !== undefined);

  test('appends that are emulated end, one behind the other', async () => {
    const { loop, tree } = await serve(
      ...['zoned=1', 'zone_size=1', 'zone_append_max_sectors=0', ...given],
    );
    const data = new Uint8Array(4096);
    const both = Promise.all([tree.append('nullb0', 0, data), tree.append('nullb0', 0, data)]);
    expect(await loop.until(both)).toEqual([0, 8]);
    expect(loop.turns).toBeLessThan(2 * TURNS_PER_REQUEST);
  });

  test('a range of zones is opened in a few turns for each of them', async () => {
    const { loop, tree } = await serve('zoned=1', 'zone_size=1', ...given);
    await loop.until(tree.zoneOperation('nullb0', 'open', 0, 131_072));
    expect(loop.turns).toBeLessThan(64 * TURNS_PER_REQUEST);
  });

  test('a flush ends, and so does power off', async () => {
    const { loop, tree } = await serve('cache_size=1', ...given);
    await loop.until(tree.flush('nullb0'));
    await loop.until(tree.patch('nullb0', new Map([['power', '0']])));
    expect(loop.turns).toBeLessThan(2 * TURNS_PER_REQUEST);
  });
});
