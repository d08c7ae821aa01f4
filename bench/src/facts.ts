/** What tnull alone is measured for: memory, idle CPU, start time, exactness of completion_nsec. */

import { setTimeout as sleep } from 'node:timers/promises';
import { fill, fioJob, medianLatency } from './fio.ts';
import { Server, tnull } from './servers.ts';

const MIB = 1024 * 1024;
const DELAY_US = 100;

export interface Facts {
  /** From the start of the program until its socket was there. */
  readonly startMs: number;
  readonly rssEmptyMib: number;
  readonly dataMib: number;
  /** With all of the data written. */
  readonly rssFullMib: number;
  /** 5 s after all of it was discarded. */
  readonly rssDiscardedMib: number;
  /** CPU time used in 5 s without a request, one client connected before. */
  readonly idleCpuMs: number;
  /** Median latency of a read at depth 1, with completion_nsec=100000 and without. */
  readonly delayedUs: number;
  readonly inlineUs: number;
  /** Where the median should be when the delay is exact: the round trip and the delay. */
  readonly delayUs: number;
}

export async function measureFacts(folder: string, mib: number, seconds: number): Promise<Facts> {
  const { startTime, ...memory } = await measureMemory(folder, mib);
  const inlineUs = await latencyOf(folder, [], seconds);
  const delayedUs = await latencyOf(
    folder,
    ['irqmode=2', `completion_nsec=${DELAY_US * 1000}`],
    seconds,
  );
  return { startMs: startTime, ...memory, delayedUs, inlineUs, delayUs: DELAY_US };
}

async function measureMemory(folder: string, mib: number) {
  const server = await Server.start(tnull(['--memory-backed', '--discard']), folder, mib);
  try {
    const { startTime, process, uri } = server;
    const rss = (): number => process.rss() / MIB;
    const rssEmptyMib = rss();
    await fill(uri, mib);
    const rssFullMib = rss();
    await fioJob(uri, ['--rw=trim', '--bs=64m', '--iodepth=4', `--size=${mib}M`]);
    await sleep(5000);
    const rssDiscardedMib = rss();
    const before = process.cpu();
    await sleep(5000);
    const idleCpuMs = process.cpu() - before;
    return { startTime, rssEmptyMib, dataMib: mib, rssFullMib, rssDiscardedMib, idleCpuMs };
  } finally {
    await server.stop();
  }
}

async function latencyOf(
  folder: string,
  args: readonly string[],
  seconds: number,
): Promise<number> {
  const server = await Server.start(tnull(['--memory-backed', ...args]), folder, 64);
  try {
    await fill(server.uri, 64);
    return await medianLatency(server.uri, 64, seconds);
  } finally {
    await server.stop();
  }
}
