/** The targets as data, and whether they are met. Reasons: docs/performance.md. */

import { type GroupResult, type Row, value } from './rows.ts';

export interface Target {
  readonly group: string;
  readonly row: string;
  readonly column: string;
  /** The column's median is divided by this one's. */
  readonly over?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Judged {
  readonly target: Target;
  /** NaN when it was not measured. */
  readonly value: number;
  readonly verdict: 'met' | 'missed' | 'not measured';
}

/** Ratios of bandwidth: [to nbdkit, to limit.c]. */
const speedRatios: Readonly<Record<string, readonly [number, number]>> = {
  'randread 4k depth 1': [1.4, 0.9],
  'randread 4k depth 32': [1.6, 0.9],
  'randwrite 4k depth 32': [1.3, 0.9],
  'randrw 4k depth 32, 4 jobs': [1.2, 0.9],
  'read 128k depth 16': [1.5, 1.0],
  'write 128k depth 16': [1.2, 0.9],
  'read 1m depth 8': [1.3, 0.95],
  'write 1m depth 8': [1.2, 0.95],
};

const speed: readonly Target[] = Object.entries(speedRatios).flatMap(([row, [nbdkit, limit]]) => [
  { group: 'speed', row, column: 'tnull', over: 'nbdkit', atLeast: nbdkit },
  { group: 'speed', row, column: 'tnull', over: 'limit', atLeast: limit },
]);

const SMALL = ['randread 4k depth 32', 'randwrite 4k depth 32'];
const small = (group: string, rest: Omit<Target, 'group' | 'row' | 'column'>): Target[] =>
  SMALL.map((row) => ({ group, row, column: 'tnull', ...rest }));

const tnull = (group: string, row: string, atMost: number): Target => ({
  ...{ group, row, column: 'tnull', atMost },
});

/** The least share of the speed that a feature must leave when it is on. */
const features: readonly Target[] = SMALL.flatMap((row) =>
  ['bad blocks', 'cache', 'zones'].map((column) => ({
    ...{ group: 'features', row, column, over: 'plain', atLeast: 0.85 },
  })),
);

/** The same for rules that strike nothing, or one request in a hundred. */
const faults: readonly Target[] = SMALL.flatMap((row) =>
  [
    ['10 rules', 0.95],
    ['1000 rules', 0.85],
    ['1 % delayed', 0.95],
  ].map(([column, atLeast]) => ({
    ...{ group: 'faults', row, column: String(column), over: 'plain', atLeast: Number(atLeast) },
  })),
);

/** If there is work to spread, threads must gain by it, even on two cores. */
const threads: readonly Target[] = [
  ['randrw 4k depth 32, 4 jobs', 'tnull', 1.2],
  ['randread 4k depth 4, 16 connections', 'tnull', 1.2],
  ['randrw 4k depth 32, 4 jobs', 'nbdkit', 1.2],
  ['randrw 4k depth 32, 4 jobs', 'limit', 0.9],
].map(([row, over, atLeast]) => ({
  ...{ group: 'threads', row: String(row), column: '2 threads' },
  ...{ over: String(over), atLeast: Number(atLeast) },
}));

/** Source: crash.md section 1. */
const snapshots: readonly Target[] = [
  ...['snapshot', 'clone', 'rollback'].flatMap((row): Target[] => [
    { group: 'snapshots', row, column: 'call', atMost: 5 },
    { group: 'snapshots', row, column: 'longest turn', atMost: 1 },
  ]),
  ...['the first 8192', 'each block once'].map((column) => ({
    ...{ group: 'snapshots', row: 'randwrite 4k depth 32', column, over: 'plain', atLeast: 0.3 },
  })),
  {
    ...{ group: 'snapshots', row: 'randwrite 4k depth 32', column: 'afterwards' },
    ...{ over: 'plain', atLeast: 0.9 },
  },
];

export const timerDelaysUs = [10, 100, 1000, 10_000, 1_000_000] as const;
export const timerDepths = [1, 32, 256] as const;
export const timerRow = (delayUs: number, depth: number): string =>
  `completion_nsec=${delayUs * 1000}, depth ${depth}`;

const timers: readonly Target[] = timerDelaysUs.flatMap((delayUs) =>
  timerDepths.flatMap((depth): Target[] => {
    const at = { group: 'timers', row: timerRow(delayUs, depth) };
    return [
      { ...at, column: 'earliest', atLeast: 0 },
      { ...at, column: 'p50 error', atMost: 5 + delayUs / 100 },
      { ...at, column: 'p99 error', atMost: 50 + delayUs / 100 },
    ];
  }),
);

export const targets: readonly Target[] = [
  ...speed,
  ...small('cpu', { over: 'nbdkit', atMost: 0.7 }),
  ...small('syscalls', { atMost: 0.2 }),
  tnull('memory', 'resident with 1 GiB stored', 1.05 * 1024 + 60),
  tnull('start', 'start to ready line', 150),
  tnull('beside', 'p99 growth, TRIM of 1 GiB', 2),
  tnull('beside', 'p99 growth, WRITE_ZEROES of 64 GiB', 2),
  ...threads,
  ...timers,
  ...features,
  ...faults,
  ...snapshots,
  { group: 'faults', row: 'a strike in the log', column: 'in memory', atMost: 1000 },
];

/** Judges what belongs to the groups that ran. */
export function judge(
  groups: readonly GroupResult[],
  all: readonly Target[] = targets,
): readonly Judged[] {
  return groups.flatMap(({ group, rows }) =>
    all
      .filter((target) => target.group === group)
      .map((target) =>
        judgeRow(
          target,
          rows.find(({ name }) => name === target.row),
        ),
      ),
  );
}

function judgeRow(target: Target, row: Row | undefined): Judged {
  const { column, over, atLeast, atMost } = target;
  if (row === undefined) return { target, value: Number.NaN, verdict: 'not measured' };
  const found = value(row, column) / (over === undefined ? 1 : value(row, over));
  if (Number.isNaN(found)) return { target, value: found, verdict: 'not measured' };
  const met = found >= (atLeast ?? -Infinity) && found <= (atMost ?? Infinity);
  return { target, value: found, verdict: met ? 'met' : 'missed' };
}

/** For example `tnull / nbdkit >= 1.4`. */
export function targetText({ column, over, atLeast, atMost }: Target): string {
  const what = over === undefined ? column : `${column} / ${over}`;
  return atLeast === undefined ? `${what} <= ${atMost}` : `${what} >= ${atLeast}`;
}
