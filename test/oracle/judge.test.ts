import { NbdError } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { difference } from './judge.ts';
import type { Step } from './recordings.ts';
import type { Replayed } from './replay.ts';

const read = { op: 'read', sector: 0, sectors: 1 } as const;
const zone = [0, 2048, 8, 2, 2, 2048] as const;
const queue = { hw_queues: 2, size_sectors: '8', write_cache: 'write back', fua: '1' };
const failed = (nbdError: number): Replayed => ({ r: 'error', nbdError });
const seen = (flags: number): Replayed => ({ r: 'ok', seen: { bytes: 4096, flags, hwQueues: 2 } });

const equal: readonly (readonly [string, Step, Replayed])[] = [
  ['the same data', { ...read, r: 'ok', data: [[1, 512]] }, { r: 'ok', data: [[1, 512]] }],
  ['what NBD can say of an errno', { ...read, r: 'EOVERFLOW' }, failed(NbdError.EIO)],
  ['some error', { op: 'append', sector: 0, sectors: 1, byte: 1, r: 'error' }, { r: 'EIO' }],
  ['the value that went in', { op: 'set', attr: 'a', value: '1', r: 'ok' }, { r: 'ok' }],
  ['the flags of a cache', { op: 'queue', r: 'ok', queue }, seen(0x4 | 0x8)],
];

test.each(equal)('equal: %s', (_, step, replayed) => {
  expect(difference(step, replayed)).toBeUndefined();
});

const different: readonly (readonly [string, Step, Replayed])[] = [
  ['other data', { ...read, r: 'ok', data: [[1, 512]] }, { r: 'ok', data: [[2, 512]] }],
  ['no data', { ...read, r: 'ok', data: [[1, 512]] }, { r: 'ok' }],
  ['an error for data', { ...read, r: 'ok', data: [[1, 512]] }, failed(NbdError.EIO)],
  ['data for an error', { ...read, r: 'EIO' }, { r: 'ok', data: [[1, 512]] }],
  ['another error over NBD', { ...read, r: 'EINVAL' }, failed(NbdError.EIO)],
  ['another errno of the API', { op: 'flush', r: 'ETOOMANYREFS' }, { r: 'EIO' }],
  ['success for some error', { op: 'flush', r: 'error' }, { r: 'ok' }],
  ['another part', { ...read, r: 'short:512', data: [[1, 512]] }, { r: 'short:0', data: [] }],
  ['another text', { op: 'get', attr: 'a', r: 'ok', value: '1\n' }, { r: 'ok', value: '1' }],
  [
    'another zone',
    { op: 'report', r: 'ok', zones: [zone] },
    { r: 'ok', zones: [[0, 2048, 9, 2, 2, 2048]] },
  ],
  ['a cache without FUA', { op: 'queue', r: 'ok', queue }, seen(0x4)],
];

test.each(different)('different: %s', (_, step, replayed) => {
  expect(difference(step, replayed)).toBeTypeOf('string');
});
