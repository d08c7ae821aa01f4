/** The cost of rules that never strike, and of rules that strike seldom: tnull with each of them beside tnull
 *  without, in turns. Targets: docs/spec/faults.md section 4. */

import { join } from 'node:path';
import { smallCases } from '../cases.ts';
import { call, waitForControl } from '../control.ts';
import type { Context, Group } from '../group.ts';
import { type Kind, tnull } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { strikeNs } from '../strike-cost.ts';
import { measureSpeed, short } from './speed.ts';

/** A place without clients. */
const NEVER_FIRST = 2 ** 21;

function ruled(name: string, mib: number, rules: readonly object[]): Kind {
  const plain = tnull(['--memory-backed', `size=${2 * mib}`], name);
  if (rules.length === 0) return plain;
  return {
    name,
    command: (place) => [...plain.command(place), '--control', `${place.socket}.ctl`],
    async prepare({ socket }) {
      await waitForControl(`${socket}.ctl`);
      await call(`${socket}.ctl`, 'PUT', '/v1/devices/nullb0/faults', { seed: '7', rules });
    },
  };
}

function disjoint(count: number): object[] {
  return Array.from({ length: count }, (_, at) => ({
    sectors: `${NEVER_FIRST + 16 * at}-${NEVER_FIRST + 16 * at + 7}`,
    error: 'EIO',
  }));
}

function kinds({ mib }: Context): Kind[] {
  return [
    ruled('plain', mib, []),
    ruled('10 rules', mib, disjoint(10)),
    ruled('1000 rules', mib, disjoint(1000)),
    ruled('1 % delayed', mib, [{ op: 'read,write', probability: 1, delay: '100us' }]),
    ruled('1 % logged', mib, [{ op: 'read,write', probability: 1, mark: 'seen' }]),
  ];
}

async function strikeRows({ rounds, folder, only, progress }: Context): Promise<Row[]> {
  const rows = new Rows();
  const head = { name: 'a strike in the log', unit: 'ns', better: 'less' } as const;
  if (!head.name.includes(only)) return [];
  progress(head.name);
  for (let round = 0; round < rounds; round++) {
    rows.add(head, 'in memory', await strikeNs(undefined));
    rows.add(head, 'in a file, too', await strikeNs(join(folder, 'strikes')));
  }
  return rows.all();
}

export const faults: Group = {
  name: 'faults',
  about: 'bandwidth with rules of the fault laboratory that never or seldom strike',
  pairs: [
    ['10 rules', 'plain'],
    ['1000 rules', 'plain'],
    ['1 % delayed', 'plain'],
    ['1 % logged', 'plain'],
  ],
  kinds,
  async run(context, some) {
    return [
      ...(await measureSpeed(short(context), some, { cases: smallCases })),
      ...(await strikeRows(context)),
    ];
  },
};
