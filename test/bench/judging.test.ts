/** Targets, the gate, comparisons, exact delays: verdicts from numbers. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  connectionCases,
  gateCases,
  smallCases,
  speedCases,
  tcpCases,
} from '../../bench/src/cases.ts';
import { compareRow } from '../../bench/src/compare.ts';
import { bestRatio, joined, parseGate, rule } from '../../bench/src/gate.ts';
import { errors, meanUs } from '../../bench/src/groups/timers.ts';
import { groups } from '../../bench/src/groups.ts';
import { type GroupResult, type Row, Rows, ratio } from '../../bench/src/rows.ts';
import { judge, type Target, targets, targetText } from '../../bench/src/targets.ts';

const row = (name: string, columns: Row['columns'], better: Row['better'] = 'more'): Row => ({
  ...{ name, unit: 'MiB/s', better, columns },
});
const result = (group: string, rows: readonly Row[]): GroupResult => ({
  ...{ group, about: '', rows, pairs: [] },
});

test('rows and columns stand in the order in which they came', () => {
  const rows = new Rows();
  const head = (name: string) => ({ name, unit: 'us', better: 'less' }) as const;
  for (const [name, column, value] of [
    ['b', 'y', 1],
    ['a', 'y', 2],
    ['b', 'x', 3],
    ['b', 'y', 4],
  ] as const)
    rows.add(head(name), column, value);
  const [b, a] = rows.all();
  expect(b).toEqual({ ...head('b'), columns: { y: [1, 4], x: [3] } });
  expect(a).toEqual({ ...head('a'), columns: { y: [2] } });
  expect(ratio(row('c', { x: [1, 2, 9], y: [4] }), ['x', 'y'])).toBe(0.5);
  expect(ratio(row('c', { x: [1] }), ['x', 'y'])).toBeNaN();
});

describe('targets', () => {
  const all: readonly Target[] = [
    { group: 'g', row: 'r', column: 'tnull', over: 'peer', atLeast: 1.5 },
    { group: 'g', row: 'r', column: 'tnull', atMost: 10 },
  ];
  const verdicts = (columns: Row['columns'], name = 'r'): string[] =>
    judge([result('g', [row(name, columns)])], all).map(({ verdict }) => verdict);

  test('are met on their bound, and missed beyond it', () => {
    expect(verdicts({ tnull: [9], peer: [6] })).toEqual(['met', 'met']);
    expect(verdicts({ tnull: [9], peer: [6.1] })).toEqual(['missed', 'met']);
    expect(verdicts({ tnull: [10.1], peer: [1] })).toEqual(['met', 'missed']);
  });

  test('are never met by what was not measured', () => {
    expect(verdicts({ tnull: [9] })).toEqual(['not measured', 'met']);
    expect(verdicts({ tnull: [9] }, 'other')).toEqual(['not measured', 'not measured']);
    expect(judge([result('other', [])], all)).toEqual([]);
    expect(judge([result('g', [])], all)).toHaveLength(2);
  });

  test('say what they want', () => {
    expect(all.map(targetText)).toEqual(['tnull / peer >= 1.5', 'tnull <= 10']);
  });

  test('belong to groups, and to cases, that there are', () => {
    const names = new Set(groups.map(({ name }) => name));
    expect(targets.filter(({ group }) => !names.has(group))).toEqual([]);
    const inGroup = (wanted: string): string[] => [
      ...new Set(targets.filter(({ group }) => group === wanted).map((target) => target.row)),
    ];
    expect(inGroup('speed')).toEqual(speedCases.map(({ name }) => name));
    for (const group of ['cpu', 'syscalls', 'features'])
      expect(inGroup(group)).toEqual(smallCases.map(({ name }) => name));
  });

  test('of speed are at least what they were set to', () => {
    const speed = targets.filter(({ group }) => group === 'speed');
    expect(speed).toHaveLength(16);
    const of = (name: string): (number | undefined)[] =>
      speed.filter((target) => target.row === name).map(({ atLeast }) => atLeast);
    expect(of('randread 4k depth 32')).toEqual([1.6, 0.9]);
    expect(of('read 128k depth 16')).toEqual([1.5, 1]);
    expect(targets.filter(({ group }) => group === 'timers')).toHaveLength(5 * 3 * 3);
  });
});

test('no two cases of a group have one name', () => {
  for (const cases of [speedCases, tcpCases, smallCases, connectionCases, gateCases])
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

describe('the gate', () => {
  const gate = { a: { ratio: 0.9, allowance: 0.6 } };

  test('takes the best round of each server', () => {
    const noisy = row('a', { tnull: [50, 90, 10], limit: [100, 20] });
    expect(bestRatio(noisy)).toBeCloseTo(0.9);
    expect(rule(gate, noisy)).toMatchObject({ name: 'a', passed: true });
    expect(rule(gate, noisy).floor).toBeCloseTo(0.54);
  });

  test('fails what falls below its part of the recorded ratio', () => {
    expect(rule(gate, row('a', { tnull: [53], limit: [100] })).passed).toBe(false);
    expect(rule(gate, row('a', { tnull: [55], limit: [100] })).passed).toBe(true);
  });

  test('fails what was not measured, and knows no case without a ratio', () => {
    expect(rule(gate, row('a', { tnull: [53] })).passed).toBe(false);
    expect(() => rule(gate, row('b', { tnull: [53], limit: [1] }))).toThrow("has no 'b'");
  });

  test('counts the rounds of both attempts', () => {
    const both = joined(row('a', { tnull: [1], limit: [2] }), row('a', { tnull: [3], limit: [4] }));
    expect(both.columns).toEqual({ tnull: [1, 3], limit: [2, 4] });
    expect(joined(both, undefined)).toEqual(both);
  });

  test('has a file that knows its cases, and no other', () => {
    const text = readFileSync(new URL('../../bench/gate.json', import.meta.url), 'utf8');
    expect(Object.keys(parseGate(text))).toEqual(gateCases.map(({ name }) => name));
    expect(() => parseGate('{"a": {"ratio": 1}}')).toThrow('ratio and allowance');
    expect(() => parseGate('{"a": {"ratio": 0, "allowance": 1}}')).toThrow('ratio and allowance');
  });
});

describe('a comparison', () => {
  const before = [100, 101, 99, 102, 98];
  const more = before.map((value) => value * 1.1);

  test('knows where more is worse', () => {
    expect(compareRow(row('r', { A: before, B: more })).judgement).toBe('better');
    expect(compareRow(row('r', { A: before, B: more }, 'less')).judgement).toBe('worse');
    expect(compareRow(row('r', { A: more, B: before }, 'less')).judgement).toBe('better');
    expect(compareRow(row('r', { A: before, B: before })).judgement).toBe('within the noise');
  });

  test('says nothing when one side was not measured', () => {
    expect(compareRow(row('r', { A: before, B: [] })).judgement).toBe('too few rounds');
    expect(compareRow(row('r', { A: [1], B: before })).judgement).toBe('within the noise');
  });
});

describe('the error of a delay', () => {
  const latencies = (min: number, p50: number, p99: number) => ({
    ...{ reads: 100, min, p50, p99, p999: p99, max: p99 },
  });
  const atDepth1 = latencies(5, 10, 20);

  test('what the device says is the mean of the reads between two looks', () => {
    const before = { requests: 100, ns: 100 * 900_000 };
    expect(meanUs(before, { requests: 110, ns: 100 * 900_000 + 10 * 103_500 })).toBe(103.5);
  });

  test('is what a read takes beyond its delay and its own time', () => {
    const found = errors(latencies(105, 112, 160), 100, { atDepth1, atDepth: atDepth1 });
    expect(found).toEqual({ p50: 2, p99: 50, earliest: 5 });
  });

  test('is none where the queue alone takes longer than the delay', () => {
    const atDepth = latencies(200, 300, 400);
    expect(errors(latencies(250, 310, 420), 100, { atDepth1, atDepth })).toMatchObject({
      ...{ p50: 10, p99: 20 },
    });
  });

  test('shows a reply before its time', () => {
    const early = errors(latencies(99, 110, 120), 100, { atDepth1, atDepth: atDepth1 });
    expect(early.earliest).toBe(-1);
  });
});
