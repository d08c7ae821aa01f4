/** A real cgroup with a memory limit, if this machine allows it: as root, without a manager that owns the
 *  tree. Source: cgroups(7) (memory.limit_in_bytes of v1, memory.max of v2). */

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from '../until.ts';

export interface Cgroup {
  /** A command of a shell that enters it. */
  readonly enter: string;
  /** How often the kernel killed a process of it for want of memory. */
  kills(): number;
}

/** Removed when the test is over. @returns why there is none, if none can be made. */
export function makeCgroup(bytes: number): Cgroup | string {
  try {
    const { root, limit, events } = tree();
    const path = join(root, `tnull-test-${process.pid}-${counter++}`);
    mkdirSync(path);
    onTestFinished(() => until(() => removed(path)));
    writeFileSync(join(path, limit), String(bytes));
    return {
      enter: `echo $$ >'${join(path, 'cgroup.procs')}'`,
      kills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(path, events), 'utf8'))?.[1]),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

let counter = 0;

/** @throws Error where neither version limits memory below its root. */
function tree(): { readonly root: string; readonly limit: string; readonly events: string } {
  for (const [, root = '', type, options = ''] of mounts()) {
    if (type === 'cgroup' && options.split(',').includes('memory')) {
      return { root, limit: 'memory.limit_in_bytes', events: 'memory.oom_control' };
    }
    if (type !== 'cgroup2') continue;
    const enabled = readFileSync(join(root, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
    if (enabled.includes('memory')) return { root, limit: 'memory.max', events: 'memory.events' };
  }
  throw new Error('no tree of cgroups that limits memory');
}

function mounts(): string[][] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
}

/** Processes that were killed are in it for a moment. */
function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
