/** The charts of docs/benchmark.md, out of docs/benchmark.json: bars, one for each server, with their values. */

import type { Benchmark, RecordedRow } from '../../bench/src/record.ts';
import { picture, text } from './svg.ts';

const COLORS: Readonly<Record<string, string>> = {
  tnull: '#1f6feb',
  nbdkit: '#8250df',
  limit: '#8b949e',
  'qemu-nbd': '#bf8700',
  'nbd-server': '#1a7f37',
};
const WIDTH = 860;
const LEFT = 210;
const RIGHT = 90;
const BAR = 13;
const ROW_GAP = 14;
const TOP = 76;

/** @param cases of the group, in this order. @throws Error for a group or a case that was not measured. */
export function chart(from: Benchmark, group: string, cases: readonly string[], title: string) {
  const rows = cases.map((name) => rowOf(from, group, name));
  const servers = Object.keys(COLORS).filter((name) => rows.some((row) => name in row.measured));
  const parts: string[] = [text(18, 30, title, 'title'), ...legend(servers)];
  let y = TOP;
  for (const row of rows) {
    const values = servers.flatMap((name) => {
      const one = row.measured[name];
      return one === undefined ? [] : [{ name, value: one.value }];
    });
    // Each row has its own scale: the units differ by thousands.
    const most = Math.max(...values.map(({ value }) => value));
    parts.push(text(LEFT - 12, y + (values.length * BAR) / 2 + 4, row.case, '', 'end'));
    for (const { name, value } of values) {
      const length = Math.max(1, (value / most) * (WIDTH - LEFT - RIGHT)).toFixed(1);
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${length}" height="${BAR - 2}" fill="${COLORS[name]}"/>`,
        text(LEFT + Number(length) + 6, y + BAR - 3, `${value} ${row.unit}`, 'small'),
      );
      y += BAR;
    }
    y += ROW_GAP;
  }
  return picture(WIDTH, y + 4, title, parts.join('\n'));
}

function legend(servers: readonly string[]): string[] {
  return servers.flatMap((name, at) => [
    `<rect x="${18 + at * 110}" y="46" width="12" height="12" fill="${COLORS[name]}"/>`,
    text(36 + at * 110, 57, name),
  ]);
}

/** @throws Error for a case that was not measured. */
export function rowOf({ groups }: Benchmark, group: string, name: string): RecordedRow {
  const row = groups.find((one) => one.group === group)?.rows.find((one) => one.case === name);
  if (row === undefined) throw new Error(`docs/benchmark.json: no ${group}: ${name}`);
  return row;
}
