/** `tnull stats [NAME] [--watch]`: what the devices have done, or do each second. */

import { type ControlClient, devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { bytesText, type Cell, table, timeText } from '../table.ts';

interface Operation {
  readonly requests: number;
  readonly bytes: number;
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly max: number };
}

interface Stats {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly memory: { readonly heldBytes: number; readonly idleBytes: number };
  readonly cache: { readonly sizeBytes: number; readonly usedBytes: number } | null;
  readonly zones: { readonly count: number; readonly open: number; readonly active: number } | null;
  readonly tags: { readonly depth: number; readonly queues: number; readonly inUse: number };
  readonly badBlockRanges: number;
}

type AllStats = ReadonlyMap<string, Stats>;

const HEAD = ['DEVICE', 'OPERATION', 'REQUESTS', 'BYTES', 'P50', 'P99', 'MAX'];
const RATE_HEAD = ['DEVICE', 'OPERATION', 'PER SECOND', 'BYTES/S', 'P50', 'P99', 'MAX'];

async function look(client: ControlClient, name: string | undefined): Promise<AllStats> {
  const all = name === undefined ? await namesOf(client) : [name];
  const stats = await Promise.all(
    all.map(async (one) => {
      return [one, await client.json<Stats>('GET', `${devicePath(one)}/stats`)] as const;
    }),
  );
  return new Map(stats);
}

async function namesOf(client: ControlClient): Promise<readonly string[]> {
  const { devices } = await client.json<{ devices: readonly string[] }>('GET', '/v1');
  return devices;
}

/** Since `before`, or since the device was powered on. */
function operationRows(now: AllStats, before?: AllStats): Cell[][] {
  return [...now].flatMap(([device, { operations }]) =>
    Object.entries(operations).flatMap(([operation, { requests, bytes, latencyNs }]) => {
      const then = before?.get(device)?.operations[operation];
      const count = requests - (then?.requests ?? 0);
      if (count === 0) return [];
      const times = [latencyNs.p50, latencyNs.p99, latencyNs.max].map(timeText);
      return [[device, operation, count, bytesText(bytes - (then?.bytes ?? 0)), ...times]];
    }),
  );
}

/** What is no operation, a line for each device. */
function stateLine([device, stats]: readonly [string, Stats]): string {
  const { memory, cache, zones, tags, badBlockRanges } = stats;
  const parts = [
    `memory ${bytesText(memory.heldBytes)} held, ${bytesText(memory.idleBytes)} idle`,
    `tags ${tags.inUse} of ${tags.depth * tags.queues}`,
  ];
  if (cache !== null) {
    parts.push(`cache ${bytesText(cache.usedBytes)} of ${bytesText(cache.sizeBytes)}`);
  }
  if (zones !== null) {
    parts.push(`zones ${zones.open} open, ${zones.active} active of ${zones.count}`);
  }
  if (badBlockRanges > 0) parts.push(`bad ranges ${badBlockRanges}`);
  const errors = Object.entries(stats.errors).filter(([, count]) => count > 0);
  if (errors.length > 0) {
    parts.push(`errors ${errors.map(([cause, count]) => `${cause} ${count}`).join(' ')}`);
  }
  return `${device}: ${parts.join('; ')}\n`;
}

export const stats: ControlCommand = {
  operands: '[NAME]',
  summary: 'show counters and latencies; --watch: each second',
  least: 0,
  most: 1,
  flags: [['--watch', 'what was done in each second, until it is stopped']],
  async run({ client, operands: [name], flags, json, say, nextLook }) {
    let now = await look(client, name);
    const tell = (head: readonly string[], before?: AllStats): void => {
      if (json) return say(jsonLine(Object.fromEntries(now)));
      const rows = operationRows(now, before);
      if (rows.length > 0) say(table(head, rows));
      say([...now].map(stateLine).join(''));
    };
    tell(HEAD);
    while (flags['watch'] === true && (await nextLook())) {
      const before = now;
      now = await look(client, name);
      tell(RATE_HEAD, before);
    }
  },
};
