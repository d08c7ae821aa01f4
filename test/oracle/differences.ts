/** Where tnull is not to do what was recorded, by scenario and step, and what it does instead. Nothing
 *  is left out by pattern: a step that is not named here must be equal. docs/differences.md tells the
 *  same reasons. Steps are counted from 0. Source: docs/differences.md. */

import { readsOf } from './cache-rule.ts';
import type { Outcome, QueueLimits, Scenario, Step, ZoneRow } from './recordings.ts';

/** The names that docs/differences.md has, too. */
export type Reason =
  | 'bad-block-limits'
  | 'beyond-end'
  | 'block-size-change'
  | 'block-size-range'
  | 'cache-in-place'
  | 'fault-word'
  | 'huge-sectors'
  | 'negative-number'
  | 'no-memory-read'
  | 'no-size'
  | 'no-split'
  | 'node-offline'
  | 'size-word'
  | 'unaligned'
  | 'unknown-word'
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

/** What takes the place of what was recorded. */
interface OursOfRow {
  readonly r?: string;
  readonly message?: boolean;
  readonly adjusted?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly queue?: QueueLimits;
}

interface TableDifference {
  readonly table: 'module_parameters' | 'power_on';
  /** The words of the row. */
  readonly row: string;
  readonly reason: Reason;
  readonly ours: OursOfRow;
}

const refused = { r: 'EINVAL', adjusted: {} } as const;

function words(reason: Reason, rows: readonly string[], of: OursOfRow): TableDifference[] {
  return rows.map((row) => ({ table: 'module_parameters', row, reason, ours: of }));
}

function powerOn(reason: Reason, rows: readonly string[], of: OursOfRow): TableDifference[] {
  return rows.map((row) => ({ table: 'power_on', row, reason, ours: of }));
}

export const tableDifferences: readonly TableDifference[] = [
  ...words(
    'block-size-range',
    ['bs=0', 'bs=-512', 'bs=8192', 'bs=65536', 'bs=8192 memory_backed=1'],
    refused,
  ),
  ...powerOn(
    'block-size-range',
    [
      'blocksize=0',
      'blocksize=8192',
      'blocksize=65536',
      'zoned=1 zone_size=4 size=16 blocksize=8192',
    ],
    refused,
  ),
  ...words('no-size', ['gb=0', 'gb=-1'], refused),
  ...words(
    'negative-number',
    ['hw_queue_depth=-1', 'max_sectors=-1', 'zoned=1 gb=1 zone_append_max_sectors=-1'],
    refused,
  ),
  ...words('node-offline', ['home_node=1', 'home_node=5', 'home_node=-2'], refused),
  ...words('unknown-word', ['badblocks=1', 'power=1', 'gb=1 unknown=3'], refused),
  ...words('size-word', ['size=5'], {
    message: false,
    attributes: { size: '5' },
    queue: { size_sectors: '10240' },
  }),
  ...words('fault-word', ['timeout=1,100,0,-1', 'requeue=1,100,0,-1'], { message: false }),
  ...words('fault-word', ['init_hctx=1,100,0,-1'], { r: 'exit 1' }),
];

/** What a row of a table gives here instead; nothing where it is to be as recorded. */
export function ours(table: TableDifference['table'], row: string): OursOfRow {
  return tableDifferences.find((one) => one.table === table && one.row === row)?.ours ?? {};
}
