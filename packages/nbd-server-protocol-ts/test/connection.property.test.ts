/** Arbitrary requests of a client at a server that ends them in any order, over pipes that cut anywhere, with
 *  any limits and slow transports: each is answered as a model says, and nothing hangs. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClientConnection, ServerConnection } from '../src/index.ts';
import { forms, memoryDisk, Pipe, wishesFor } from './connection-pair.ts';

const SIZE = 4096;
const numRuns = 100 * Number(process.env['TNULL_TEST_RUNS'] ?? 1);

interface Step {
  readonly kind: 'read' | 'write' | 'zeroes' | 'trim' | 'flush' | 'status' | 'cache';
  readonly offset: number;
  readonly length: number;
  readonly fua: boolean;
  /** The handler returns at once, or a promise that is settled after so many rounds. */
  readonly delay: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    'read',
    'read',
    'write',
    'write',
    'zeroes',
    'trim',
    'flush',
    'status',
    'cache',
  ),
  offset: fc.nat(SIZE + 1),
  length: fc.oneof(fc.nat(8), fc.nat(SIZE)),
  fua: fc.boolean(),
  delay: fc.nat(3),
});

const run = fc.record({
  form: fc.constantFrom(...forms),
  steps: fc.array(step, { minLength: 1, maxLength: 30 }),
  pieces: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
  requests: fc.integer({ min: 1, max: 6 }),
  bytes: fc.integer({ min: 1, max: 5000 }),
  slow: fc.boolean(),
  deaf: fc.boolean(),
});
type Run = typeof run extends fc.Arbitrary<infer R> ? R : never;

/** The effect of a step on a disk with these bytes, which it changes. */
function expected({ kind, offset, length }: Step, disk: Uint8Array, form: string): string {
  const end = offset + length;
  if (kind === 'flush') return 'done';
  if (kind === 'status' && form === 'simple') return 'EINVAL';
  if (end > SIZE) return kind === 'write' || kind === 'zeroes' ? 'ENOSPC' : 'EINVAL';
  if (length === 0) return kind === 'read' || kind === 'status' ? 'EINVAL' : 'done';
  if (kind === 'read') return Buffer.from(disk.subarray(offset, end)).toString('hex');
  if (kind === 'status') return `status ${Math.min(length, SIZE - offset) > 512 ? 2 : 1}`;
  if (kind === 'write') disk.fill((offset & 0xff) ^ 0x5a, offset, end);
  if (kind === 'zeroes') disk.fill(0, offset, end);
  if (kind === 'trim') disk.fill(0xff, offset, end);
  return 'done';
}

function ask(client: ClientConnection, { kind, offset, length, fua }: Step): Promise<unknown> {
  switch (kind) {
    case 'read':
      return client.read(offset, length);
    case 'write':
      return client.write(offset, new Uint8Array(length).fill((offset & 0xff) ^ 0x5a), { fua });
    case 'zeroes':
      return client.zeroes(offset, length, { fua });
    case 'trim':
      return client.trim(offset, length, { fua });
    case 'flush':
      return client.flush();
    case 'cache':
      return client.cache(offset, length);
    default:
      return client.blockStatus(offset, length, {});
  }
}

function inWords(result: PromiseSettledResult<unknown>): string {
  if (result.status === 'rejected') return result.reason.code;
  if (result.value instanceof Uint8Array) return Buffer.from(result.value).toString('hex');
  if (!(result.value instanceof Map)) return 'done';
  return `status ${result.value.get('base:allocation')?.length}`;
}

async function play({ form, steps, pieces, requests, bytes, slow, deaf }: Run): Promise<void> {
  const [up, down] = [new Pipe(), new Pipe()];
  const disk = memoryDisk(SIZE);
  const waiting: { rounds: number; go(): void }[] = [];
  const later = (rounds: number): Promise<void> =>
    new Promise((resolve) => waiting.push({ rounds, go: resolve }));
  let calls = 0;
  let paused = false;
  /** Does its work at once, and reports it after a while. */
  const slowly =
    <A extends unknown[], T>(work: (...of: A) => T) =>
    (...of: A): T | Promise<T> => {
      const result = work(...of);
      const kept = result instanceof Uint8Array ? result.slice() : result;
      const delay = steps[calls++ % steps.length]?.delay ?? 0;
      // The cast undoes nothing but the copy.
      return delay === 0 ? result : later(delay).then(() => kept as T);
    };
  const { options } = disk;
  const ends: string[] = [];
  const server = new ServerConnection({
    exports: options.exports,
    read: slowly((range: { offset: number; length: number }) =>
      disk.bytes.subarray(range.offset, range.offset + range.length),
    ),
    write: slowly(options.write),
    zeroes: slowly(options.zeroes),
    trim: slowly(options.trim),
    flush: slowly(options.flush),
    cache: slowly(options.cache),
    blockStatus: slowly(options.blockStatus),
    limits: { requests, bytes },
    send: (data) => {
      down.send(data);
      return slow ? later(1) : true;
    },
    close: (error) => ends.push(error?.message ?? 'end'),
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
  });
  const send = (data: Uint8Array): unknown => {
    up.send(data);
    return slow ? later(2) : true;
  };
  const client = new ClientConnection({ ...wishesFor(form), send, strict: false });
  const model = new Uint8Array(SIZE);
  const due = steps.map((one) => expected(one, model, form));
  const results = Promise.allSettled(steps.map((one) => ask(client, one)));
  let over = false;
  void results
    .then(() => client.disconnect())
    .then(() => {
      over = true;
    });
  for (let round = 0; !over; round++) {
    expect(round, 'it hangs').toBeLessThan(50_000);
    const most = pieces[round % pieces.length] ?? 1;
    if (!paused || deaf) server.receive(up.take(most));
    client.receive(down.take(most));
    for (const one of waiting.splice(0)) {
      if (one.rounds-- > 0) waiting.push(one);
      else one.go();
    }
    if (round % 4 === 0) await new Promise(setImmediate);
  }
  expect((await results).map(inWords)).toEqual(due);
  expect(Buffer.from(disk.bytes).equals(model)).toBe(true);
}

test('a client and a server, over any cuts', async () => {
  await fc.assert(fc.asyncProperty(run, play), { numRuns });
});
