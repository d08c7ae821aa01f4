/** What /proc says about a server: CPU time and memory, of the process and of what it forked. */

import { readdirSync, readFileSync } from 'node:fs';

/** Linux tells times of processes in ticks of 1/100 s on every machine that Node runs on. */
const MS_PER_TICK = 10;

export interface ProcessTimes {
  readonly parent: number;
  /** In user and kernel mode, of all threads. */
  readonly ownMs: number;
  /** Of children that have ended. */
  readonly childrenMs: number;
}

/** @param text of /proc/PID/stat; the program's name may hold spaces and parentheses. */
export function parseStat(text: string): ProcessTimes {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (from: number): number =>
    (Number(fields[from]) + Number(fields[from + 1])) * MS_PER_TICK;
  return { parent: Number(fields[1]), ownMs: ticks(11), childrenMs: ticks(13) };
}

/** @param text of /proc/PID/status. @returns bytes. */
export function parseResident(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** CPU time so far, in ms, of a process and all it has forked. */
export function cpuMs(pid: number): number {
  return family(pid).reduce((sum, { times }) => sum + times.ownMs + times.childrenMs, 0);
}

/** Resident memory in bytes; pages that forked processes share count for each of them. */
export function residentBytes(pid: number): number {
  const resident = ({ pid }: Member): number => parseResident(read(pid, 'status') ?? '');
  return family(pid).reduce((sum, member) => sum + resident(member), 0);
}

export function isAlive(pid: number): boolean {
  const text = read(pid, 'stat');
  return text !== undefined && !/\) [ZX] /.test(text);
}

interface Member {
  readonly pid: number;
  readonly times: ProcessTimes;
}

function family(pid: number): Member[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Member[] => {
      const text = read(Number(name), 'stat');
      return text === undefined ? [] : [{ pid: Number(name), times: parseStat(text) }];
    });
  const found = all.filter((one) => one.pid === pid);
  // Grows while it is walked: children of children come behind their parents.
  for (const member of found) {
    found.push(...all.filter(({ times }) => times.parent === member.pid));
  }
  return found;
}

/** @returns undefined for a process that has ended. */
function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
