/** One run of fio's nbd engine, and what it found. */

import type { Case } from './cases.ts';
import { ProgramError, run } from './processes.ts';

/** @throws ProgramError when fio fails or says something unexpected. */
export async function fioJob(uri: string, args: readonly string[]): Promise<FioJob> {
  const text = await run('fio', [
    '--name=bench',
    '--ioengine=nbd',
    `--uri=${uri}`,
    '--group_reporting',
    '--randrepeat=0',
    '--norandommap',
    '--output-format=json',
    ...args,
  ]);
  const parsed: unknown = JSON.parse(text.slice(text.indexOf('{')));
  if (!isFioOutput(parsed)) throw new ProgramError(`fio said: ${text.slice(0, 200)}`);
  const [job] = parsed.jobs;
  if (job.error !== 0) throw new ProgramError(`fio met error ${job.error} on ${uri}`);
  return job;
}

interface Direction {
  readonly bw_bytes: number;
}

interface FioJob {
  readonly error: number;
  readonly read: Direction;
  readonly write: Direction;
}

function isFioOutput(value: unknown): value is { readonly jobs: readonly [FioJob] } {
  if (typeof value !== 'object' || value === null || !('jobs' in value)) return false;
  const { jobs } = value;
  const job: unknown = Array.isArray(jobs) ? jobs[0] : undefined;
  return typeof job === 'object' && job !== null && 'read' in job && 'write' in job;
}

/** Bytes per second of `one`, over `seconds` after a moment to get going. */
export async function bandwidth(
  uri: string,
  one: Case,
  mib: number,
  seconds: number,
): Promise<number> {
  const job = await fioJob(uri, [
    `--rw=${one.rw}`,
    `--bs=${one.bs}`,
    `--iodepth=${one.depth}`,
    `--numjobs=${one.jobs}`,
    `--size=${mib}M`,
    '--time_based',
    '--ramp_time=300ms',
    `--runtime=${seconds}`,
  ]);
  return job.read.bw_bytes + job.write.bw_bytes;
}

/** Writes the whole device once: the first touch of a page costs more than a request. */
export async function fill(uri: string, mib: number): Promise<void> {
  await fioJob(uri, ['--rw=write', '--bs=1m', '--iodepth=8', `--size=${mib}M`]);
}
