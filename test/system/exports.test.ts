/** A server of very many exports. */

import { expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

const EXPORTS = 10_000;

describeEachDebian(({ run }) => {
  test('nbdinfo --list tells all of 10,000 exports, each with what it asks for', async () => {
    // Options are counted; how long the list takes is the machine's affair.
    const patient = '--handshake-timeout=600';
    const words = [`nr_devices=${EXPORTS}`, 'size=1', 'hw_queue_depth=1', patient];
    const tnull = await startTnull(words);
    const { exports } = JSON.parse(await run('nbdinfo', '--list', '--json', tnull.uri));
    expect(exports).toHaveLength(EXPORTS);
    const seen = exports.map((one: Record<string, unknown>) => [
      one['export-name'],
      one['export-size'],
      one['contexts'],
    ]);
    const wanted = Array.from({ length: EXPORTS }, (_, n) => [
      `nullb${n}`,
      1 << 20,
      ['base:allocation'],
    ]);
    expect(seen).toEqual(wanted);
    expect(tnull.stderr()).not.toContain('too much haggling');
    expect(await tnull.stop()).toBe(0);
  });
});
