/** The pictures of the documents, by path. */

import { readFileSync } from 'node:fs';
import { recipeLines, terminalCast } from './cast.ts';
import { type Benchmark, chart } from './charts.ts';
import { requestPath } from './request-path.ts';

const BANDWIDTH = [
  'randread 4k depth 1',
  'randread 4k depth 32',
  'randwrite 4k depth 32',
  'read 128k depth 16',
  'write 128k depth 16',
];

export function images(): Readonly<Record<string, string>> {
  // The file is ours, and the charts refuse what is not in it.
  const measured = JSON.parse(readFileSync('docs/benchmark.json', 'utf8')) as Benchmark;
  const readme = readFileSync('README.md', 'utf8');
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
