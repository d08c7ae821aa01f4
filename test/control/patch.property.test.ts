/** A patch is all or nothing, whatever is in it and wherever it fails. control.md section 3 (PATCH). */

import fc from 'fast-check';
import { test } from 'vitest';
import { ErrnoError } from '../../src/config/errors.ts';
import { world } from './fake-devices.ts';

const anyOf = (...texts: string[]) => fc.constantFrom(...texts);

const patch = fc.record(
  {
    size: anyOf('1', '8\n', 'x', '99999999999'),
    blocksize: anyOf('512', '4096', '8192'),
    submit_queues: anyOf('0', '2', '9', '-1'),
    poll_queues: anyOf('0', '1'),
    badblocks: anyOf('+1-2', '+3-4\n-1-2\n', '+5-6\n+9-8', '', '-3-4'),
    timeout_inject: anyOf('1,2,3,-1', '1,2', '5,x,7,8'),
    'timeout_inject/times': anyOf('4', 'x'),
    index: anyOf('3', 'x'),
    zoned: anyOf('0', '1'),
    zone_readonly: anyOf('2048', '0', '99999999'),
    sise: anyOf('1'),
    power: anyOf('0', '1', '1', 'x'),
  },
  { requiredKeys: [] },
);

test('a refused patch changes nothing, an accepted one changes what it names and no more', async () => {
  const steps = fc.array(fc.tuple(patch, fc.boolean()), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { tree, device, ...it } = world();
      const fake = device();
      for (const [texts, memory] of all) {
        fake.failPowerOn = memory ? undefined : new ErrnoError('ENOMEM', 'no memory');
        const before = tree.object('nullb0');
        const given = JSON.parse(JSON.stringify(texts));
        const accepted = await it.patch(given).then(
          () => true,
          (error) => {
            if (error instanceof ErrnoError) return false;
            throw error;
          },
        );
        const after = tree.object('nullb0');
        const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
        const named = (name: string): boolean =>
          name in given ||
          // A group and its files are one thing; power gives a number and adjusts.
          (name.startsWith('timeout_inject') &&
            ('timeout_inject' in given || 'timeout_inject/times' in given)) ||
          (['index', 'submit_queues'].includes(name) && 'power' in given);
        const wrong = accepted ? changed.filter((name) => !named(name)) : changed;
        if (wrong.length > 0) {
          throw new Error(`${JSON.stringify(given)} (${accepted}) changed ${wrong}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});
