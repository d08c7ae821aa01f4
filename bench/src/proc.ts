/** What /proc says about a server: CPU time and memory, of the process and of what it forked; and of the
 *  machine, how much of its processors' time its host took. */

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

export interface Steal {
  /** In ticks, since the machine started. */
  readonly stolen: number;
  readonly all: number;
}

/** @param text of /proc/stat: its first line has user, nice, system, idle, iowait, irq, softirq and
 *  steal; what follows, of guests, is in user and nice already. */
export function parseSteal(text: string): Steal {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(' ').map(Number).slice(0, 8) ?? [];
  return { stolen: fields[7] ?? 0, all: fields.reduce((sum, ticks) => sum + ticks, 0) };
}

/** @returns the share of all processors' time, 0 to 1. */
export function stealShare(before: Steal, after: Steal): number {
  const all = after.all - before.all;
  return all > 0 ? (after.stolen - before.stolen) / all : 0;
}

/** What the host takes from now on. */
export class StealMeter {
  readonly #before = readSteal();

  share(): number {
    return stealShare(this.#before, readSteal());
  }
}

function readSteal(): Steal {
  return parseSteal(readFileSync('/proc/stat', 'utf8'));
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
