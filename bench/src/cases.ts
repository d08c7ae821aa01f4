/** What is measured: fio's nbd engine over a unix socket, in the shapes that real clients have. */

export interface Case {
  readonly name: string;
  readonly rw: 'randread' | 'randwrite' | 'randrw' | 'read' | 'write';
  /** Bytes per request, as fio writes them. */
  readonly bs: string;
  readonly depth: number;
  readonly jobs: number;
}

export const cases: readonly Case[] = [
  { name: 'randread 4k depth 1', rw: 'randread', bs: '4k', depth: 1, jobs: 1 },
  { name: 'randread 4k depth 32', rw: 'randread', bs: '4k', depth: 32, jobs: 1 },
  { name: 'randwrite 4k depth 32', rw: 'randwrite', bs: '4k', depth: 32, jobs: 1 },
  { name: 'randrw 4k depth 32, 4 jobs', rw: 'randrw', bs: '4k', depth: 32, jobs: 4 },
  { name: 'read 128k depth 16', rw: 'read', bs: '128k', depth: 16, jobs: 1 },
  { name: 'write 128k depth 16', rw: 'write', bs: '128k', depth: 16, jobs: 1 },
  { name: 'read 1m depth 8', rw: 'read', bs: '1m', depth: 8, jobs: 1 },
  { name: 'write 1m depth 8', rw: 'write', bs: '1m', depth: 8, jobs: 1 },
];
