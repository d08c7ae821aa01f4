/** A patch is all or nothing, whatever it contains and wherever it fails. control.md section 3 (PATCH). */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ErrnoError } from '../../src/config/errors.ts';
import { world } from './world.ts';

/** Changes that are valid, at least while power is 0 or 1. */
const fine: Readonly<Record<string, readonly string[]>> = {
  size: ['4', '8\n', '256'],
  blocksize: ['512', '4096'],
  submit_queues: ['1', '2', '4'],
  poll_queues: ['0', '1', '2'],
  badblocks: ['+1-2', '+3-4\n-1-2\n', '-3-4'],
  timeout_inject: ['1,2,3,-1'],
  'timeout_inject/times': ['4'],
  zoned: ['1', '1', '0'],
  zone_size: ['1', '4'],
  zone_readonly: ['2048', '8192'],
  zone_offline: ['2048', '4096'],
  shared_tags: ['0', '0', '0', '1'],
  index: ['3'],
  power: ['0', '1', '1', '1'],
};
/** Changes that are refused, sometimes only at power on. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  size: ['x', '99999999999999999999', '0'],
  blocksize: ['8192'],
  submit_queues: ['0', '9', '-1'],
  poll_queues: ['9'],
  badblocks: ['', '+9-8', '+5-6\n+9-8'],
  timeout_inject: ['1,2', '5,x,7,8', '5,6,7,x'],
  'timeout_inject/times': ['x'],
  zone_size: ['3'],
  zone_readonly: ['99999999', '0x'],
  index: ['x'],
  sise: ['1'],
  power: ['x'],
};

function some(of: Readonly<Record<string, readonly string[]>>, most: number) {
  const pairs = Object.entries(of).flatMap(([name, values]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return fc.array(fc.constantFrom(...pairs), { maxLength: most });
}

const patch = fc
  .tuple(some(fine, 4), fc.oneof(fc.constant([]), some(wrong, 1)))
  .map(([good, bad]) => Object.fromEntries([...good, ...bad]));

/** Of what is not in the patch. */
const adjusted = [
  'index',
  'submit_queues',
  'poll_queues',
  'zone_capacity',
  'zone_append_max_sectors',
];

test('a refused patch changes nothing, an accepted one changes what it names and no more', async () => {
  const memory = fc.constantFrom(true, true, true, false);
  const steps = fc.array(fc.tuple(patch, memory), { maxLength: 15 });
  // That they happen at all.
  const seen = { accepted: 0, refused: 0, refusedWhileOn: 0, zonesChanged: 0, queuesChanged: 0 };
  await fc.assert(
    fc.asyncProperty(fc.boolean(), steps, async (isOn, all) => {
      const { tree, device, ...it } = world({ words: ['poll_queues=2'] });
      device();
      if (isOn) await it.patch({ zoned: '1', zone_size: '1', size: '8', power: '1' });
      const fault = device().faults.init_hctx;
      fault.set({ times: -1n });
      const state = () => ({
        object: tree.view('nullb0').object,
        zones: JSON.stringify(device().zones?.report()),
        queues: JSON.stringify(device().queues),
        disk: device().disk,
      });
      for (const [given, hasMemory] of all) {
        fault.set({ probability: hasMemory ? 0n : 100n });
        const before = state();
        const accepted = await it.patch(given).then(
          () => true,
          (error) => {
            if (error instanceof ErrnoError) return false;
            throw error;
          },
        );
        const after = state();
        seen[accepted ? 'accepted' : 'refused']++;
        if (!accepted) {
          expect(after, JSON.stringify(given)).toEqual(before);
          expect(after.disk).toBe(before.disk);
          if (before.disk !== undefined) seen.refusedWhileOn++;
          continue;
        }
        if (after.disk === before.disk && after.zones !== before.zones) seen.zonesChanged++;
        if (after.disk === before.disk && after.queues !== before.queues) seen.queuesChanged++;
        const changed = Object.keys(after.object).filter(
          (name) => after.object[name] !== before.object[name],
        );
        const named = (name: string): boolean =>
          name in given ||
          // A group and its files are one thing; power gives a number and adjusts.
          (name.startsWith('timeout_inject') &&
            ('timeout_inject' in given || 'timeout_inject/times' in given)) ||
          (adjusted.includes(name) && 'power' in given);
        const wrong = changed.filter((name) => !named(name));
        if (wrong.length > 0) throw new Error(`${JSON.stringify(given)} changed ${wrong}`);
      }
    }),
    { numRuns: 400 },
  );
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0);
});
