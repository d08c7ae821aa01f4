/** How exact completion_nsec is, with a client that does not sleep itself.
 *
 *  A request at depth 1 takes its time without a delay, plus the delay. At depth d there is a second bound: d
 *  requests are served one after the other, which takes their time without a delay. The larger of both is
 *  expected; the error is the rest. The latencies themselves stand beside the errors, and the time of the
 *  fastest read beyond the delay, which must never be negative.
 *
 *  The device's own figures show how much of an error is the timer's: the mean time of its reads from the
 *  hand-over to a hardware queue to their end, minus the delay. */

import { join } from 'node:path';
import { call, waitForControl } from '../control.ts';
import type { Context, Group } from '../group.ts';
import { property } from '../json.ts';
import { type Kind, tnull } from '../kinds.ts';
import { type Row, Rows } from '../rows.ts';
import { alternate, type Server, withServers } from '../servers.ts';
import { type Latencies, spin } from '../spin.ts';
import { timerDelaysUs, timerDepths, timerRow } from '../targets.ts';

const ROUNDS_MAX = 3;
/** Of one read: short, so that the client's copying does not count. */
const BYTES = 512;
/** Of a device: all that the client reads. */
const MIB = 64;

const controlOf = (folder: string, delay: string): string => join(folder, `timers-${delay}.ctl`);

const kindOf = (folder: string, delayUs: number): Kind => {
  const timed = ['irqmode=2', `completion_nsec=${delayUs * 1000}`];
  const control = ['--control', controlOf(folder, String(delayUs))];
  const words = ['--memory-backed', 'hw_queue_depth=256', ...(delayUs === 0 ? [] : timed)];
  return tnull([...control, ...words], String(delayUs));
};

/** Of all reads so far, and of what they took together in ns. */
interface Sum {
  readonly requests: number;
  readonly ns: number;
}

async function readsOf(control: string): Promise<Sum> {
  const body: unknown = JSON.parse(await call(control, 'GET', '/v1/devices/nullb0/stats'));
  const read = property(property(body, 'operations'), 'read');
  const requests = Number(property(read, 'requests'));
  const mean = Number(property(property(read, 'latencyNs'), 'mean'));
  return { requests, ns: requests * mean };
}

/** @returns what the reads between both took on average, in us. */
export function meanUs(before: Sum, after: Sum): number {
  return (after.ns - before.ns) / (after.requests - before.requests) / 1000;
}

/** The time of reads beyond the expected one, in us. */
export function errors(
  measured: Latencies,
  delayUs: number,
  inline: { readonly atDepth1: Latencies; readonly atDepth: Latencies },
): { readonly p50: number; readonly p99: number; readonly earliest: number } {
  const beyond = (which: 'p50' | 'p99'): number =>
    measured[which] - Math.max(inline.atDepth[which], inline.atDepth1.p50 + delayUs);
  return { p50: beyond('p50'), p99: beyond('p99'), earliest: measured.min - delayUs };
}

async function run(context: Context, kinds: readonly Kind[]): Promise<Row[]> {
  const { rounds, folder, progress } = context;
  return await withServers(kinds, { folder, mib: MIB, filled: true }, async (servers) => {
    const [plain, ...timed] = servers;
    const rows = new Rows();
    if (plain === undefined) return [];
    for (const { name } of servers) await waitForControl(controlOf(folder, name));
    for (let round = 0; round < Math.min(rounds, ROUNDS_MAX); round++) {
      progress(`round ${round + 1}`);
      const inline = new Map<number, Latencies>();
      for (const depth of timerDepths)
        inline.set(depth, (await measure(context, plain, depth, rows)).latencies);
      await alternate(timed, 1, async (server) => {
        for (const depth of timerDepths) {
          const delayUs = Number(server.name);
          const { latencies } = await measure(context, server, depth, rows);
          const [atDepth1, atDepth] = [inline.get(1), inline.get(depth)];
          if (atDepth1 === undefined || atDepth === undefined) continue;
          const found = errors(latencies, delayUs, { atDepth1, atDepth });
          const head = { name: timerRow(delayUs, depth), unit: 'us', better: 'less' } as const;
          rows.add(head, 'p50 error', found.p50);
          rows.add(head, 'p99 error', found.p99);
          rows.add(head, 'earliest', found.earliest);
        }
      });
    }
    return rows.all();
  });
}

async function measure(context: Context, server: Server, depth: number, rows: Rows) {
  const delayUs = Number(server.name);
  // Of a delay of a second, three times the depth.
  const seconds = Math.max(context.seconds / 2, (4.5 * delayUs) / 1e6);
  const control = controlOf(context.folder, server.name);
  const before = await readsOf(control);
  const [begin, cpu] = [performance.now(), server.cpuMs()];
  const latencies = await spin(context.spin, server, { depth, seconds, bytes: BYTES });
  const percent = ((server.cpuMs() - cpu) / (performance.now() - begin)) * 100;
  const late = meanUs(before, await readsOf(control)) - delayUs;
  const name = delayUs === 0 ? `no delay, depth ${depth}` : timerRow(delayUs, depth);
  const head = { name, unit: 'us', better: 'less' } as const;
  rows.add(head, 'p50', latencies.p50);
  rows.add(head, 'p99', latencies.p99);
  rows.add(head, 'device late', late);
  rows.add(head, 'CPU %', percent);
  return { latencies };
}

export const timers: Group = {
  name: 'timers',
  about: `how exact completion_nsec is, reads of ${BYTES} bytes`,
  pairs: [],
  kinds: ({ folder }) => [0, ...timerDelaysUs].map((delayUs) => kindOf(folder, delayUs)),
  run,
};
