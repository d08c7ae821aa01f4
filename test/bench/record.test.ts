/** From one result to all that is published of it: docs/benchmark.json, the charts, docs/benchmark.md and the
 *  table of README.md. The same path as `npm run bench -- --record`, with figures that were not measured. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Benchmark, recorded } from '../../bench/src/record.ts';
import type { GroupResult, Row } from '../../bench/src/rows.ts';
import { judge } from '../../bench/src/targets.ts';
import { benchmarkPage, withTable } from '../../scripts/docs/benchmark-page.ts';
import { chart } from '../../scripts/docs/charts.ts';
import { images } from '../../scripts/docs/images.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
// Ours: the writer of this form is judged here.
const ours = JSON.parse(read('docs/benchmark.json')) as Benchmark;
const readme = read('README.md');

const machine = {
  ...{ cpu: 'A processor', cores: 2, memoryGib: 24, kernel: 'Linux 6', node: 'v20', fio: 'fio-3' },
  ...{ peers: ['nbdkit 1.32'], commit: 'abc1234', date: '2026-01-02' },
};

/** The rounds of every group and case that was recorded, each figure three times over. */
function rounds(factor: number): GroupResult[] {
  return ours.groups.map(({ group, what, rows }) => ({
    ...{ group, about: what, pairs: [] },
    rows: rows.map(({ case: name, unit, measured }): Row => {
      const columns = Object.entries(measured).map(([column, { value }]) => {
        const middle = value * (column === 'tnull' ? factor : 1);
        return [column, [middle * 0.9, middle, middle * 1.1]];
      });
      return { name, unit, better: 'more', columns: Object.fromEntries(columns) };
    }),
  }));
}

function publish(results: readonly GroupResult[]) {
  const written = recorded({ rounds: 3, seconds: 0.1 }, machine, results, judge(results));
  const text = JSON.stringify(written);
  return JSON.parse(text) as Benchmark; // what was written in the line above
}

describe('a result', () => {
  const found = publish(rounds(10));

  test('is recorded as medians, noise and targets', () => {
    const row = found.groups.find(({ group }) => group === 'speed')?.rows[0];
    expect(row).toMatchObject({ case: 'randread 4k depth 1', unit: 'MiB/s' });
    expect(row?.measured['tnull']).toEqual({ value: 835, noisePercent: 20 });
    expect(found.machine).toContain('A processor, 2 cores, 24 GiB; Linux 6; Node v20');
    expect(found.targets[0]).toEqual({
      ...{ case: 'speed: randread 4k depth 1', target: 'tnull / nbdkit >= 1.4' },
      ...{ measured: 15.1, met: true },
    });
  });

  test('is in the table of README.md, and leaves the rest as it was', () => {
    const made = withTable(readme, found);
    expect(made).toContain('Measured on A processor, 2 cores, 24 GiB; Linux 6; Node v20; fio-3;');
    expect(made.replaceAll('\n', ' ')).toContain('abc1234. Medians of 3 rounds of 0.1 s.');
    expect(made).toMatch(
      /^\| randread 4k depth 1 +\| MiB\/s \| +835 \(20 %\) \| +55\.3 \(20 %\) \| +93\.5 \(20 %\) \| +15\.10 \| +8\.93 \|$/m,
    );
    expect(withTable(made, ours)).toBe(readme);
  });

  test('is in docs/benchmark.md, with everything that is slower than nbdkit', () => {
    expect(benchmarkPage(found)).toContain('**Slower than nbdkit.** Nothing.');
    const page = benchmarkPage(publish(rounds(0.1))).replaceAll(/\n +/g, ' ');
    expect(page).toContain('speed: randread 4k depth 1 (0.15);');
    expect(page).toContain('kernel: write 128k depth 16 (0.04).');
  });

  test('is in the charts', () => {
    const made = images(found, readme);
    expect(made['docs/images/bandwidth.svg']).toContain('>835 MiB/s</text>');
    expect(made['docs/images/latency.svg']).toContain('>91 us</text>');
    expect(made['docs/images/processor.svg']).toContain('>40 s per million</text>');
  });
});

test('what was not measured is recorded as such', () => {
  const some: GroupResult = {
    ...{ group: 'memory', about: 'memory', pairs: [], failure: 'no room' },
    rows: [{ name: 'resident', unit: 'MiB', better: 'less', columns: { tnull: [1234.56] } }],
  };
  const { groups, targets } = publish([some]);
  expect(groups).toEqual([
    {
      ...{ group: 'memory', what: 'memory', failure: 'no room' },
      rows: [{ case: 'resident', unit: 'MiB', measured: { tnull: { value: 1235 } } }],
    },
  ]);
  expect(targets).toEqual([
    {
      ...{ case: 'memory: resident with 1 GiB stored', target: 'tnull <= 1135.2' },
      ...{ measured: null, met: false },
    },
  ]);
});

test('nothing is shown that was not measured', () => {
  expect(() => withTable(readme, publish([]))).toThrow('no speed: randread 4k depth 1');
  expect(() => benchmarkPage(publish([]))).toThrow('no timers: completion_nsec=100000, depth 1');
  expect(() => chart(ours, 'speed', ['no such case'], 'x')).toThrow('no speed: no such case');
  expect(() => withTable('# A page\n', ours)).toThrow('no table of the benchmark');
});
