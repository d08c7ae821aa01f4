/** `npm run bench -- --compare A B`: two tnulls in one run, and the differences beyond the noise. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments } from './arguments.ts';
import type { Context } from './group.ts';
import { groups } from './groups.ts';
import { checkout, tnull } from './kinds.ts';
import { describeMachine } from './machine.ts';
import { StealMeter } from './proc.ts';
import type { Row } from './rows.ts';
import { type Difference, difference, median } from './statistics.ts';
import { chosen } from './suite.ts';
import { machineText, markdown } from './table.ts';
import { checkOut } from './worktrees.ts';

export interface Compared {
  readonly row: Row;
  readonly difference: Difference;
  readonly judgement: 'better' | 'worse' | 'within the noise' | 'too few rounds';
}

/** @param row with the columns A and B. */
export function compareRow(row: Row): Compared {
  const found = difference(row.columns['B'] ?? [], row.columns['A'] ?? []);
  return { row, difference: found, judgement: judgement(found, row.better) };
}

function judgement({ verdict }: Difference, better: Row['better']): Compared['judgement'] {
  if (verdict === 'same') return 'within the noise';
  if (verdict === 'too few rounds') return verdict;
  return verdict === better ? 'better' : 'worse';
}

const DEFAULT_GROUPS = ['speed', 'latency', 'cpu'];
const ARGUMENTS = ['--memory-backed', '--discard'];

/** @returns the exit status: 1 when B is worse than A in some case. */
export async function runCompare(args: Arguments, context: Context): Promise<number> {
  const names = args.groups.length === 0 ? DEFAULT_GROUPS : args.groups;
  const some = chosen(
    names,
    groups.filter(({ comparable }) => comparable === true),
  );
  const [a, b] = args.commits;
  context.progress(`building ${a} and ${b}`);
  const before = await checkOut(a, context.folder);
  try {
    const after = await checkOut(b, context.folder);
    try {
      const meter = new StealMeter();
      const results: { readonly group: string; readonly compared: readonly Compared[] }[] = [];
      for (const group of some) {
        context.progress(`-- ${group.name}: ${group.about}`);
        const words = group.name === 'null' ? [] : ARGUMENTS;
        const kinds = [tnull(words, 'A', before.path), tnull(words, 'B', after.path)];
        const rows = await group.run(context, kinds);
        results.push({ group: group.name, compared: rows.map(compareRow) });
      }
      await report([before.text, after.text], results, meter.share());
      const all = results.flatMap(({ compared }) => compared);
      return all.some(({ judgement }) => judgement === 'worse') ? 1 : 0;
    } finally {
      await after.remove();
    }
  } finally {
    await before.remove();
  }
}

async function report(
  [a, b]: readonly [string, string],
  results: readonly { readonly group: string; readonly compared: readonly Compared[] }[],
  steal: number,
): Promise<void> {
  const machine = { ...(await describeMachine()), steal };
  const lines = results.flatMap(({ group, compared }) =>
    compared.map(({ row, difference: { ratio, noise }, judgement }) => [
      `${group}: ${row.name}`,
      row.unit,
      ...['A', 'B'].map((column) => median(row.columns[column] ?? []).toPrecision(4)),
      ratio.toFixed(3),
      `${(noise * 100).toFixed(0)} %`,
      judgement,
    ]),
  );
  const head = ['', 'unit', 'A', 'B', 'B / A', 'noise', ''];
  const text = [machineText(machine), `A: ${a}\nB: ${b}`, markdown(head, lines)].join('\n\n');
  process.stdout.write(`${text}\n`);
  const folder = join(checkout, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const data = { machine, a, b, results };
  writeFileSync(join(folder, 'compare.json'), `${JSON.stringify(data, undefined, 2)}\n`);
}
