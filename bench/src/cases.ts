/** What is measured with fio's nbd engine: the shapes that real clients have. */

export interface Case {
  readonly name: string;
  readonly rw: 'randread' | 'randwrite' | 'randrw' | 'read' | 'write';
  /** Bytes per request, as fio writes them. */
  readonly bs: string;
  readonly depth: number;
  readonly jobs: number;
}

const read1: Case = { name: 'randread 4k depth 1', rw: 'randread', bs: '4k', depth: 1, jobs: 1 };
const read32: Case = { ...read1, name: 'randread 4k depth 32', depth: 32 };
const write32: Case = { ...read32, name: 'randwrite 4k depth 32', rw: 'randwrite' };
const jobs4: Case = { ...read32, name: 'randrw 4k depth 32, 4 jobs', rw: 'randrw', jobs: 4 };
const read128: Case = { name: 'read 128k depth 16', rw: 'read', bs: '128k', depth: 16, jobs: 1 };
const write128: Case = { ...read128, name: 'write 128k depth 16', rw: 'write' };
const read1m: Case = { name: 'read 1m depth 8', rw: 'read', bs: '1m', depth: 8, jobs: 1 };
const write1m: Case = { ...read1m, name: 'write 1m depth 8', rw: 'write' };
const jobs16: Case = {
  ...{ name: 'randread 4k depth 4, 16 connections', rw: 'randread', bs: '4k' },
  ...{ depth: 4, jobs: 16 },
};
const mixed16: Case = { ...jobs16, name: 'randrw 4k depth 4, 16 connections', rw: 'randrw' };

/** The table of the targets. */
export const speedCases = [read1, read32, write32, jobs4, read128, write128, read1m, write1m];
export const tcpCases = [read1, read32, write32, read128, write128];
export const nullCases = [read1, read32, write32, read128];
/** Those of which processor time and system calls are told. */
export const smallCases = [read32, write32];
export const connectionCases = [jobs16, mixed16];
export const threadCases = [read1, read32, jobs4, jobs16];
export const gateCases = [read1, read32, write32, read128, write128];
export const depth1 = read1;
