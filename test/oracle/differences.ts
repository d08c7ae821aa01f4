/** Where tnull is not to do what was recorded, by scenario and step, and what it does instead. Nothing
 *  is left out by pattern: a step that is not named here must be equal. docs/differences.md tells the
 *  same reasons. Steps are counted from 0. Source: the oracle's README (quirks), driver.md. */

import { readsOf } from './cache-rule.ts';
import type { Outcome, Scenario, Step, ZoneRow } from './recordings.ts';

/** The names that docs/differences.md has, too. */
export type Reason =
  | 'append-by-name'
  | 'bad-block-limits'
  | 'beyond-end'
  | 'block-size-change'
  | 'cache-in-place'
  | 'huge-sectors'
  | 'no-memory-read'
  | 'no-split'
  | 'unaligned'
  | 'zone-count'
  | 'zone-trim';

/** What tnull gives instead of what was recorded; `free`: there is no rule, the step is only done. */
type Ours = 'free' | Partial<Outcome> | ((scenario: Scenario, number: number) => Partial<Outcome>);

export interface Difference {
  readonly scenario: string;
  readonly reason: Reason;
  readonly steps: Readonly<Record<number, Ours>>;
}

const ok = { r: 'ok' } as const;

/** Each of `steps` gives the same. */
function all(steps: readonly number[], ours: Ours): Readonly<Record<number, Ours>> {
  return Object.fromEntries(steps.map((step) => [step, ours]));
}

/** What cache-rule.ts says, without the quirk. */
function cached(scenario: Scenario, number: number): Partial<Outcome> {
  return { data: readsOf(scenario, false).get(number) ?? [] };
}

/** The recorded report, but for these zones. */
function zones(...rows: readonly ZoneRow[]): Ours {
  return ({ steps }, number) => ({
    zones: (steps[number]?.zones ?? []).map((zone) => rows.find(([at]) => at === zone[0]) ?? zone),
  });
}

/** The text of bad sectors `first`, `first` + 2 ... `last`. */
function everySecond(first: number, last: number): string {
  return Array.from({ length: (last - first) / 2 + 1 }, (_, i) => `${first + 2 * i} 1\n`).join('');
}

function zeros(bytes: number): Ours {
  return { data: [[0, bytes]] };
}

const LONG = '0 601\n1000 512\n2000 513\n4000 100\n4101 1900\n';

export const differences: readonly Difference[] = [
  {
    scenario: 'no-memory',
    reason: 'no-memory-read',
    steps: all([1, 3, 7], zeros(4096)),
  },
  { scenario: 'power-keeps', reason: 'no-memory-read', steps: { 9: zeros(4096) } },
  { scenario: 'bb-no-memory', reason: 'no-memory-read', steps: { 5: zeros(2048) } },
  {
    scenario: 'zone-read-nomem',
    reason: 'no-memory-read',
    steps: { 1: zeros(4096), 3: zeros(8192), 4: zeros(4096), 5: zeros(8192) },
  },
  {
    scenario: 'block-4096',
    reason: 'unaligned',
    steps: {
      2: ok,
      3: ok,
      4: { r: 'ok', data: [[2, 4096]] },
      5: {
        r: 'ok',
        data: [[1, 2048]],
      },
      6: {
        data: [
          [1, 2048],
          [2, 4096],
          [0, 2048],
        ],
      },
      8: {
        data: [
          [1, 2048],
          [2, 2048],
          [3, 8192],
          [0, 4096],
        ],
      },
    },
  },
  { scenario: 'discard-4096', reason: 'unaligned', steps: all([3, 4], ok) },
  { scenario: 'discard-512', reason: 'unaligned', steps: { 10: ok } },
  { scenario: 'past-end', reason: 'beyond-end', steps: { 7: { r: 'ENOSPC' } } },
  { scenario: 'power-block-mix', reason: 'block-size-change', steps: all([5, 10, 12], 'free') },
  {
    scenario: 'split-255',
    reason: 'no-split',
    steps: { 4: zeros(255 * 512), 7: zeros(520 * 512) },
  },
  {
    scenario: 'bb-long',
    reason: 'bad-block-limits',
    steps: {
      5: { value: '0 512\n1000 512\n2000 513\n' },
      7: { value: '0 512\n1000 512\n2000 513\n4000 2001\n' },
      9: { value: '0 512\n1000 512\n2000 513\n4000 100\n4101 1900\n' },
      11: { value: LONG },
      13: { value: `${LONG}32000 8001\n` },
      15: { value: `${LONG}32000 8001\n100000 2\n` },
    },
  },
  {
    scenario: 'bb-merge-long',
    reason: 'bad-block-limits',
    steps: {
      3: { value: '0 800\n' },
      5: { value: '0 901\n' },
      11: { value: '0 800\n' },
      17: { value: '0 768\n' },
      23: { value: '0 701\n' },
    },
  },
  {
    scenario: 'bb-many',
    reason: 'bad-block-limits',
    steps: {
      ...all([512, 513, 514, 515, 516, 517, 518, 519, 521], ok),
      520: { value: everySecond(0, 1038) },
      522: { value: `0 3\n${everySecond(4, 1038)}` },
      524: { value: everySecond(10, 1038) },
      526: { value: `${everySecond(10, 1038)}5000 2\n` },
    },
  },
  {
    scenario: 'bb-once-mid',
    reason: 'bad-block-limits',
    steps: {
      22: { value: '1000 800\n' },
      24: { value: '' },
      25: { r: 'ok', data: [[0, 512_000]] },
    },
  },
  {
    scenario: 'bb-syntax',
    reason: 'huge-sectors',
    steps: {
      101: { value: '18446744073709551615 1\n' },
      104: ok,
      105: { value: '0 18446744073709551616\n' },
    },
  },
  { scenario: 'cache-lost', reason: 'cache-in-place', steps: all([10], cached) },
  { scenario: 'cache-half-page', reason: 'cache-in-place', steps: all([9], cached) },
  { scenario: 'cache-evict-down', reason: 'cache-in-place', steps: all([303], cached) },
  { scenario: 'cache-evict-round', reason: 'cache-in-place', steps: all([703], cached) },
  { scenario: 'cache-evict-again', reason: 'cache-in-place', steps: all([515, 516], cached) },
  { scenario: 'cache-partial-evict', reason: 'cache-in-place', steps: all([306, 307], cached) },
  { scenario: 'cache-fua-page', reason: 'cache-in-place', steps: all([7], cached) },
  {
    scenario: 'random-1006',
    reason: 'cache-in-place',
    steps: all(
      [
        123, 166, 172, 180, 185, 223, 297, 300, 305, 321, 350, 426, 432, 485, 511, 519, 521, 522,
        523,
      ],
      cached,
    ),
  },
  {
    scenario: 'random-1017',
    reason: 'cache-in-place',
    steps: all([91, 188, 206, 310, 324, 415, 422, 440, 441, 442, 445], cached),
  },
  {
    scenario: 'random-1028',
    reason: 'cache-in-place',
    steps: all([165, 216, 250, 251, 370, 467, 473, 531, 535, 542, 549, 550, 551, 552, 553], cached),
  },
  { scenario: 'random-1039', reason: 'cache-in-place', steps: all([211, 309], cached) },
  {
    scenario: 'zone-build',
    reason: 'zone-trim',
    steps: { 1: { queue: { size_sectors: '32768', hw_queues: 2, discard_granularity: '512' } } },
  },
  { scenario: 'zone-discard', reason: 'zone-trim', steps: { 2: ok } },
  {
    scenario: 'zone-limits-power',
    reason: 'zone-count',
    steps: { 6: ok, 7: zones([4096, 2048, 4104, 2, 2, 2048]) },
  },
  {
    scenario: 'zone-ro-implicit-close',
    reason: 'zone-count',
    steps: all([3, 5], zones([2048, 2048, 2056, 2, 2, 2048])),
  },
  {
    scenario: 'zone-ro-resources',
    reason: 'zone-count',
    steps: {
      13: ok,
      ...all([14, 17], zones([6144, 2048, 6152, 2, 4, 2048], [8192, 2048, 8200, 2, 2, 2048])),
    },
  },
];

const byScenario: ReadonlyMap<string, Difference> = new Map(
  differences.map((one) => [one.scenario, one]),
);

/** What step `number` must give; undefined where there is no rule. */
export function expected(scenario: Scenario, number: number): Step | undefined {
  const recorded = scenario.steps[number];
  const ours = byScenario.get(scenario.name)?.steps[number];
  if (recorded === undefined || ours === undefined) return recorded;
  if (ours === 'free') return undefined;
  return { ...recorded, ...(typeof ours === 'function' ? ours(scenario, number) : ours) };
}
