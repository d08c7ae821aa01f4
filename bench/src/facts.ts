/** What tnull alone is measured for: memory, idle CPU, start time, exactness of completion_nsec. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from './control.ts';
import { fill, fioJob } from './fio.ts';
import { run } from './processes.ts';
import { build, Server, tnull } from './servers.ts';

const MIB = 1024 * 1024;
const DELAY_US = 100;
const READS = 20_000;
const SETTLE_MS = 5000;
/** Of 1 MiB each. */
const ZONES = 100_000;

export interface Facts {
  /** From the start of the program until its socket was there. */
  readonly startMs: number;
  readonly rssEmptyMib: number;
  readonly dataMib: number;
  /** With all of the data written. */
  readonly rssFullMib: number;
  /** 5 s after all of it was discarded. */
  readonly rssDiscardedMib: number;
  /** CPU time used in 5 s without a request, some time after the last one. */
  readonly idleCpuMs: number;
  /** Median latency of a read at depth 1, with completion_nsec=100000 and without. */
  readonly delayedUs: number;
  readonly inlineUs: number;
  /** The delay that was asked for: `delayedUs - inlineUs` should be near it. */
  readonly delayUs: number;
  /** Power on of a zoned device of so many zones, and a report of all of them. */
  readonly zones: number;
  readonly zonesOnMs: number;
  readonly zonesReportMs: number;
}

export async function measureFacts(folder: string, mib: number): Promise<Facts> {
  const { startTime, ...memory } = await measureMemory(folder, mib);
  const spin = await build('spin', folder);
  const inlineUs = await latencyOf(spin, folder, []);
  const delay = ['irqmode=2', `completion_nsec=${DELAY_US * 1000}`];
  const delayedUs = await latencyOf(spin, folder, delay);
  const zones = await measureZones(folder);
  return { startMs: startTime, ...memory, delayedUs, inlineUs, delayUs: DELAY_US, ...zones };
}

async function measureZones(folder: string) {
  const control = join(folder, 'zones.ctl');
  const server = await Server.start(tnull(['--control', control]), folder, 64);
  try {
    await call(control, 'GET', '/v1'); // the API is loaded at the first request
    const zoned = { size: ZONES, zoned: 1, zone_size: 1, memory_backed: 1 };
    const begin = performance.now();
    await call(control, 'PUT', '/v1/devices/zoned', { ...zoned, power: 1 });
    const on = performance.now();
    await call(control, 'GET', '/v1/devices/zoned/zones');
    return { zones: ZONES, zonesOnMs: on - begin, zonesReportMs: performance.now() - on };
  } finally {
    await server.stop();
  }
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
    await sleep(SETTLE_MS);
    const rssDiscardedMib = rss();
    await sleep(SETTLE_MS);
    const before = process.cpu();
    await sleep(5000);
    const idleCpuMs = process.cpu() - before;
    return { startTime, rssEmptyMib, dataMib: mib, rssFullMib, rssDiscardedMib, idleCpuMs };
  } finally {
    await server.stop();
  }
}

async function latencyOf(spin: string, folder: string, args: readonly string[]): Promise<number> {
  const server = await Server.start(tnull(['--memory-backed', ...args]), folder, 64);
  try {
    await fill(server.uri, 64);
    return Number(await run(spin, [server.socket, String(READS)]));
  } finally {
    await server.stop();
  }
}
