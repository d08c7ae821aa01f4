/** The words of the command line, and the tables and plots. */

import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../bench/src/arguments.ts';
import { plot } from '../../bench/src/plot.ts';
import type { GroupResult } from '../../bench/src/rows.ts';
import { groupTable, markdown, targetsTable } from '../../bench/src/table.ts';
import { judge } from '../../bench/src/targets.ts';

describe('words', () => {
  test('without any, all groups run', () => {
    const found = parseArguments([]);
    expect(found).toMatchObject({ mode: 'suite', groups: [], rounds: 5, seconds: 1.25 });
  });

  test('of all kinds', () => {
    const words = ['--group', 'tcp,cpu', '--rounds', '9', '--seconds', '0.5', '--peers', 'limit'];
    expect(parseArguments(words)).toMatchObject({
      ...{ groups: ['tcp', 'cpu'], rounds: 9, seconds: 0.5, peers: ['limit'] },
    });
    expect(parseArguments(['--quick'])).toMatchObject({ rounds: 1, seconds: 0.3 });
    expect(parseArguments(['--compare', 'HEAD~1', 'HEAD'])).toMatchObject({
      ...{ mode: 'compare', commits: ['HEAD~1', 'HEAD'], rounds: 7 },
    });
    expect(parseArguments(['--gate', '--record'])).toMatchObject({ mode: 'gate', record: true });
    expect(parseArguments(['--record', '--results', '/x'])).toMatchObject({
      ...{ mode: 'suite', record: true, results: '/x' },
    });
    expect(parseArguments(['--help']).mode).toBe('help');
  });

  test.each([
    [['--compare', 'HEAD'], 'takes two commits'],
    [['HEAD'], 'takes two commits'],
    [['--compare', '--gate', 'a', 'b'], 'exclude each other'],
    [['--rounds', '0'], "--rounds must be a positive number, not '0'"],
    [['--seconds', 'x'], "--seconds must be a positive number, not 'x'"],
    [['--other'], '--other'],
    [['--record', '--group=tcp'], '--record takes a whole run'],
    [['--record', '--case=4k'], '--record takes a whole run'],
    [['--record', '--peers=limit'], '--record takes a whole run'],
    [['--record', '--quick'], '--record takes a whole run'],
    [['--record', '--compare', 'a', 'b'], '--record takes a whole run'],
  ])('%j is refused', (words, text) => {
    expect(() => parseArguments(words)).toThrow(text);
  });
});

const group: GroupResult = {
  group: 'speed',
  about: 'bandwidth',
  pairs: [['tnull', 'nbdkit']],
  rows: [
    {
      ...{ name: 'randread 4k depth 1', unit: 'MiB/s', better: 'more' },
      columns: { tnull: [190, 200, 210], nbdkit: [100] },
    },
  ],
};

test('a table has medians, noise and ratios', () => {
  expect(groupTable(group).split('\n')).toEqual([
    '## speed: bandwidth',
    '',
    '|                     |  unit |      tnull | nbdkit | tnull / nbdkit |',
    '| ------------------- | ----: | ---------: | -----: | -------------: |',
    '| randread 4k depth 1 | MiB/s | 200 (10 %) |    100 |           2.00 |',
  ]);
  expect(groupTable({ ...group, rows: [], failure: 'fio is missing' })).toBe(
    '## speed: bandwidth\n\nNot measured: fio is missing',
  );
  expect(groupTable({ ...group, rows: [], steal: 0.034 })).toBe(
    "## speed: bandwidth\n\nMeanwhile the host took 3.4 % of the processors' time (steal).",
  );
  expect(groupTable({ ...group, rows: [], steal: 0.009 })).toBe('## speed: bandwidth');
  expect(markdown(['a', 'b'], [])).toBe('| a   |   b |\n| --- | --: |');
});

test('the targets are added up', () => {
  const text = targetsTable(judge([group]));
  expect(text).toContain('## Targets: 1 met, 0 missed, 15 not measured');
  expect(text).toContain('tnull / nbdkit >= 1.4 |     2.00 | met |');
});

test('a plot shows ratios, or else what targets allow', () => {
  const ratios = plot(group, [], 'a <machine>') ?? '';
  expect(ratios).toContain('>2.00</text>');
  expect(ratios).toContain('a &lt;machine&gt;');
  const timers: GroupResult = {
    ...{ group: 'timers', about: 'delays', pairs: [] },
    rows: [
      {
        ...{ name: 'completion_nsec=100000, depth 1', unit: 'us', better: 'less' },
        columns: { 'p50 error': [3] },
      },
    ],
  };
  expect(plot(timers, judge([timers]), '')).toContain('>0.50</text>');
  expect(plot({ ...timers, rows: [] }, [], '')).toBeUndefined();
});
