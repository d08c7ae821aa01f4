/** All groups, in the order in which `npm run bench` runs them. */

import type { Group } from './group.ts';
import { beside } from './groups/beside.ts';
import { copy } from './groups/copy.ts';
import { cpu } from './groups/cpu.ts';
import { faults } from './groups/faults.ts';
import { features } from './groups/features.ts';
import { idle } from './groups/idle.ts';
import { journal } from './groups/journal.ts';
import { kernel } from './groups/kernel.ts';
import { latency } from './groups/latency.ts';
import { memory } from './groups/memory.ts';
import { snapshots } from './groups/snapshots.ts';
import { connections, nothing, speed, tcp, threads } from './groups/speed.ts';
import { start } from './groups/start.ts';
import { syscalls } from './groups/syscalls.ts';
import { timers } from './groups/timers.ts';
import { turns } from './groups/turns.ts';
import { zones } from './groups/zones.ts';

export const groups: readonly Group[] = [
  ...[speed, tcp, nothing, latency, cpu, syscalls, connections, idle, threads],
  ...[
    timers,
    memory,
    start,
    copy,
    beside,
    features,
    faults,
    zones,
    journal,
    snapshots,
    turns,
    kernel,
  ],
];
