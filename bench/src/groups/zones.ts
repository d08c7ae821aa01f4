/** How long a device of many zones takes to power on, and to be reported over HTTP. */

import { join } from 'node:path';
import { call, waitForControl } from '../control.ts';
import type { Context, Group } from '../group.ts';
import { type Kind, tnull } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { withServers } from '../servers.ts';

/** Of 1 MiB each. */
const ZONES = 100_000;
const MIB = 64;

async function run({ rounds, folder }: Context, kinds: readonly Kind[]): Promise<Row[]> {
  return await withServers(kinds, { folder, mib: MIB, filled: false }, async () => {
    const control = join(folder, 'zones.ctl');
    const rows = new Rows();
    const add = (name: string, ms: number): void =>
      rows.add({ name, unit: 'ms', better: 'less' }, 'tnull', ms);
    await waitForControl(control); // which also loads the API
    const zoned = { size: ZONES, zoned: 1, zone_size: 1, memory_backed: 1 };
    for (let round = 0; round < rounds; round++) {
      const path = `/v1/devices/zoned${round}`;
      const begin = performance.now();
      await call(control, 'PUT', path, { ...zoned, power: 1 });
      const on = performance.now();
      await call(control, 'GET', `${path}/zones`);
      add('power on', on - begin);
      add('report over HTTP', performance.now() - on);
      await call(control, 'PATCH', path, { power: 0 });
    }
    return rows.all();
  });
}

export const zones: Group = {
  name: 'zones',
  about: `a device of ${ZONES} zones`,
  pairs: [],
  kinds: ({ folder }) => [tnull(['--control', join(folder, 'zones.ctl')])],
  run,
};
