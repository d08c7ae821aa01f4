/** One run of fio's nbd engine, and its result. */

import type { Case } from './cases.ts';
import { property } from './json.ts';
import { ProgramError, run } from './processes.ts';

const MIB = 1024 * 1024;

export interface FioDirection {
  readonly bandwidth: number;
  readonly requests: number;
  /** In us, of completions; empty when there was none. */
  readonly percentiles: ReadonlyMap<number, number>;
}

export interface FioJob {
  readonly read: FioDirection;
  readonly write: FioDirection;
  /** Of fio itself, user and system, in per cent of a core; the mean of several jobs. */
  readonly cpuPercent: number;
}

/** @param text what fio printed with --output-format=json. @throws ProgramError. */
export function parseFio(text: string): FioJob {
  const parsed: unknown = JSON.parse(text.slice(text.indexOf('{\n')));
  const [job] = list(property(parsed, 'jobs'));
  const error = property(job, 'error');
  if (error !== 0) throw new ProgramError(`fio met error ${error}: ${text.slice(0, 200)}`);
  return {
    read: direction(property(job, 'read')),
    write: direction(property(job, 'write')),
    cpuPercent: Number(property(job, 'usr_cpu')) + Number(property(job, 'sys_cpu')),
  };
}

function direction(value: unknown): FioDirection {
  const latencies = property(value, 'clat_ns');
  const percentiles = property(latencies, 'percentile');
  const known = typeof percentiles === 'object' && percentiles !== null ? percentiles : {};
  return {
    bandwidth: Number(property(value, 'bw_bytes')),
    requests: Number(property(value, 'total_ios')),
    percentiles: new Map(Object.entries(known).map(([p, ns]) => [Number(p), Number(ns) / 1000])),
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const COMMON = ['--name=bench', '--ioengine=nbd', '--group_reporting', '--output-format=json'];

/** The arguments of fio for `one`, over `seconds`. */
export function fioArguments(uri: string, one: Case, mib: number, seconds: number): string[] {
  return [
    ...COMMON,
    `--uri=${uri}`,
    '--randrepeat=0',
    '--norandommap',
    `--rw=${one.rw}`,
    `--bs=${one.bs}`,
    `--iodepth=${one.depth}`,
    `--numjobs=${one.jobs}`,
    `--size=${mib}M`,
    '--time_based',
    `--runtime=${Math.round(seconds * 1000)}ms`, // fio takes a fraction of a second for 0
  ];
}

/** @throws ProgramError when fio fails or says something unexpected. */
export async function fioJob(
  uri: string,
  one: Case,
  mib: number,
  seconds: number,
  more: readonly string[] = [],
): Promise<FioJob> {
  const args = [...fioArguments(uri, one, mib, seconds), ...more];
  return parseFio(await withPatience(() => run('fio', args)));
}

/** Three in ten runs of sixteen clients succeed with a server that listens with a backlog of 10. */
const ATTEMPTS = 12;

/** A server with a short backlog (nbd-server's is 10) refuses some of many simultaneous clients; libnbd does
 *  not ask again, so the whole run is repeated. @throws what `work` threw last. */
export async function withPatience<T>(work: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await work();
    } catch (error) {
      const refused = error instanceof ProgramError && error.message.includes('backlog overflowed');
      if (!refused || left <= 0) throw error;
    }
  }
}

/** Random writes of 4 KiB at depth 32, so many over `mib` MiB. @param eachOnce no block is written twice. */
export async function writesPerSecond(
  uri: string,
  mib: number,
  count: number,
  eachOnce: boolean,
): Promise<number> {
  const shape = ['--rw=randwrite', '--bs=4k', '--iodepth=32', '--randrepeat=0'];
  const where = [`--uri=${uri}`, `--size=${mib}M`, `--number_ios=${count}`];
  const map = eachOnce ? [] : ['--norandommap'];
  const text = await run('fio', [...COMMON, ...where, ...shape, ...map]);
  return parseFio(text).write.bandwidth / 4096;
}

/** MiB per second of `one`, over `seconds`, after a moment to start. */
export async function bandwidth(
  uri: string,
  one: Case,
  mib: number,
  seconds: number,
): Promise<number> {
  const ramp = `--ramp_time=${Math.round(Math.min(0.3, seconds / 4) * 1000)}ms`;
  const job = await fioJob(uri, one, mib, seconds, [ramp]);
  return (job.read.bandwidth + job.write.bandwidth) / MIB;
}

/** Goes once over `mib` MiB: writes them (the first touch of a page costs more than a request), or
 *  discards them. */
export async function fill(
  uri: string,
  mib: number,
  rw: 'write' | 'trim' = 'write',
  fromMib = 0,
): Promise<void> {
  const shape = rw === 'write' ? ['--bs=1m', '--iodepth=8'] : ['--bs=64m', '--iodepth=4'];
  const where = [`--offset=${fromMib}M`, `--size=${mib}M`];
  parseFio(await run('fio', [...COMMON, `--uri=${uri}`, `--rw=${rw}`, ...where, ...shape]));
}
