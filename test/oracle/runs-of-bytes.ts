/** Data as runs `[byte, count]`, as the recordings show it. */

import type { Run } from './recordings.ts';

export function runsOf(data: Uint8Array): readonly Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < data.length; ) {
    const byte = data[start] ?? 0;
    let end = start + 1;
    while (end < data.length && data[end] === byte) end++;
    runs.push([byte, end - start]);
    start = end;
  }
  return runs;
}
