/** Requests of the control side without any clients: the work that they leave must wake the daemon by itself.
 *  The event loop is by hand: if nothing is arranged for, nothing ever runs. */

import { describe, expect, test } from 'vitest';
import { serveByHand } from './by-hand.ts';

/** A timer is watched for in its last 2 ms, and a request may meet two, and some turns of its own. */
const TURNS_PER_REQUEST = 60;

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
    const { loop, tree } = await serveByHand(
      ...['zoned=1', 'zone_size=1', 'zone_append_max_sectors=0', ...given],
    );
    const data = new Uint8Array(4096);
    const both = Promise.all([tree.append('nullb0', 0, data), tree.append('nullb0', 0, data)]);
    expect(await loop.until(both)).toEqual([0, 8]);
    expect(loop.turns).toBeLessThan(2 * TURNS_PER_REQUEST);
  });

  test('a range of zones is opened in a few turns for each of them', async () => {
    const { loop, tree } = await serveByHand('zoned=1', 'zone_size=1', ...given);
    await loop.until(tree.zoneOperation('nullb0', 'open', 0, 131_072));
    expect(loop.turns).toBeLessThan(64 * TURNS_PER_REQUEST);
  });

  test('a flush ends, and so does power off', async () => {
    const { loop, tree } = await serveByHand('cache_size=1', ...given);
    await loop.until(tree.flush('nullb0'));
    await loop.until(tree.patch('nullb0', new Map([['power', '0']])));
    expect(loop.turns).toBeLessThan(2 * TURNS_PER_REQUEST);
  });
});
