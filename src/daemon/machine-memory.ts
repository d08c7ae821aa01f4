/** How much memory this process can have before something ends it: the machine's, its cgroups', its own
 *  limits on address space. Reads files of Linux; without them the machine's total counts.
 *  Source: proc(5), cgroups(7) (memory.limit_in_bytes of v1, memory.max of v2). */

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { posix } from 'node:path';
import { KiB } from '../units.ts';

/** What is read from the system; tests have their own. */
export interface SystemFiles {
  /** @returns undefined when it cannot be read. */
  read(path: string): string | undefined;
  /** Bytes of the machine. */
  readonly total: number;
}

export interface MachineMemory {
  /** Bytes. */
  readonly bytes: number;
  /** Where the limit comes from, for humans. */
  readonly of: string;
  /** What is left of the address space, in bytes; Infinity: no limit. */
  readonly addressBytes: number;
}

export const systemFiles: SystemFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  total: totalmem(),
};

export function machineMemory(files: SystemFiles = systemFiles): MachineMemory {
  const groups = cgroupLimits(files);
  const least = Math.min(...groups, files.total);
  const addressBytes = addressLeft(files);
  if (addressBytes < least) {
    return { bytes: addressBytes, of: 'what ulimit leaves', addressBytes };
  }
  const of = least < files.total ? "the cgroup's" : "the machine's";
  return { bytes: least, of, addressBytes };
}

/** The memory limits of our cgroups, from our own upward. */
function cgroupLimits(files: SystemFiles): number[] {
  const paths = new Map<Version, string>();
  for (const line of lines(files.read('/proc/self/cgroup'))) {
    const [, controllers, path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined) continue;
    if (controllers === '') paths.set('v2', path);
    else if (controllers.split(',').includes('memory')) paths.set('v1', path);
  }
  return mounts(files).flatMap((mount) => {
    const path = paths.get(mount.version);
    return path === undefined ? [] : limitsUpward(files, mount, path);
  });
}

type Version = 'v1' | 'v2';
const limitFiles: Readonly<Record<Version, string>> = {
  v1: 'memory.limit_in_bytes',
  v2: 'memory.max',
};

interface Mount {
  readonly version: Version;
  /** Which cgroup is mounted. */
  readonly root: string;
  readonly at: string;
}

/** Where hierarchies that limit memory are mounted. */
function mounts(files: SystemFiles): Mount[] {
  const found: Mount[] = [];
  for (const line of lines(files.read('/proc/self/mountinfo'))) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '/', at = ''] = left.split(' ').map(unescaped);
    const [type, , superOptions = ''] = right.split(' ');
    if (type === 'cgroup2') found.push({ version: 'v2', root, at });
    if (type === 'cgroup' && superOptions.split(',').includes('memory')) {
      found.push({ version: 'v1', root, at });
    }
  }
  return found;
}

/** Blanks in paths are octal there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );
}

function limitsUpward(files: SystemFiles, { version, root, at }: Mount, path: string): number[] {
  const limits: number[] = [];
  // In a container the mounted root may be our own cgroup, while the path is the host's.
  const below = root === '/' ? path : path.startsWith(`${root}/`) ? path.slice(root.length) : '';
  // A path outside our namespace begins with `/..`.
  let folder = below === '/' || below.startsWith('/..') ? at : posix.join(at, below);
  for (;;) {
    const text = files.read(`${folder}/${limitFiles[version]}`)?.trim() ?? '';
    // `max`, and in v1 a number near 2^63, mean no limit.
    if (/^\d+$/.test(text)) limits.push(Number(text));
    if (folder.length <= at.length) return limits;
    folder = posix.dirname(folder);
  }
}

/** What `ulimit -v` and `ulimit -d` leave. */
function addressLeft(files: SystemFiles): number {
  const status = files.read('/proc/self/status') ?? '';
  const limits = files.read('/proc/self/limits') ?? '';
  const left = ([name, use]: readonly [string, string]): number => {
    const [, limit] = new RegExp(`^${name} +(\\d+) `, 'm').exec(limits) ?? [];
    const [, usedKiB = '0'] = new RegExp(`^${use}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
    return limit === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Number(limit) - Number(usedKiB) * KiB);
  };
  const kinds = [
    ['Max address space', 'VmSize'],
    ['Max data size', 'VmData'],
  ] as const;
  return Math.min(...kinds.map(left));
}

function lines(text: string | undefined): string[] {
  return text?.split('\n') ?? [];
}
