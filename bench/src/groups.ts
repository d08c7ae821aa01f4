/** All groups, in the order in which `npm run bench` runs them. */

import type { Group } from './group.ts';
import { cpu } from './groups/cpu.ts';
import { features } from './groups/features.ts';
import { latency } from './groups/latency.ts';
import { connections, nothing, speed, tcp, threads } from './groups/speed.ts';

export const groups: readonly Group[] = [
  ...[speed, tcp, nothing, latency, cpu, connections, threads, features],
];
