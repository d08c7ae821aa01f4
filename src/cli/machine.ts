/** What the rules between parameters need to know about this machine. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Machine } from '../config/case.ts';

/** Linux's list of the NUMA nodes that are online. */
const NODES_ONLINE = '/sys/devices/system/node/online';

export function thisMachine(): Machine {
  const cpus = cpusSaid(process.env['TNULL_CPUS']) ?? availableParallelism();
  return { cpus, nodes: onlineNodes(NODES_ONLINE) };
}

/** TNULL_CPUS makes a test see another number of CPUs: the recordings of null_blk come from a machine with 4.
 *  Only the ranges of the queues depend on it. It is for tests alone, so it is not a parameter. */
function cpusSaid(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;
}

/** The nodes that the list in `path` names; node 0 alone without a list. */
export function onlineNodes(path: string): readonly number[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // No such list: not Linux, or a kernel without NUMA.
  }
  return numbersOf(text) ?? [0];
}

/** `0-1,4` is 0, 1 and 4. Undefined when the text is not such a list. */
function numbersOf(text: string): number[] | undefined {
  const numbers: number[] = [];
  for (const range of text.trim().split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range) ?? [];
    if (first === undefined) return undefined;
    for (let node = Number(first); node <= Number(last); node++) numbers.push(node);
  }
  return numbers.length > 0 ? numbers : undefined;
}
