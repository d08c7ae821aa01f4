/** The pictures of the documents, by path. */

import type { Benchmark } from '../../bench/src/record.ts';
import { SHOWN } from './benchmark-page.ts';
import { recipeLines, terminalCast } from './cast.ts';
import { chart } from './charts.ts';
import { requestPath } from './request-path.ts';

const BANDWIDTH = [...SHOWN, 'write 128k depth 16'];

export function images(measured: Benchmark, readme: string): Readonly<Record<string, string>> {
  return {
    'docs/images/request.svg': requestPath(),
    'docs/images/bad-sector.svg': terminalCast(
      recipeLines(readme, 'A bad sector'),
      'A bad sector appears while clients are connected, and heals',
    ),
    'docs/images/bandwidth.svg': chart(
      measured,
      'speed',
      BANDWIDTH,
      'Bandwidth over a unix socket (more is better)',
    ),
    'docs/images/latency.svg': chart(
      measured,
      'latency',
      ['p50', 'p99', 'p50 by fio', 'p99 by fio'],
      '4 KiB reads at depth 1 (less is better)',
    ),
    'docs/images/processor.svg': chart(
      measured,
      'cpu',
      ['randread 4k depth 32', 'randwrite 4k depth 32'],
      'Processor time of the server for a million requests (less is better)',
    ),
  };
}
