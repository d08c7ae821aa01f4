/** Dropping bytes costs little more than reading them: the reads are counted. */

import { Command, NbdError, RequestHeader, requestBytes } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { DataMemory } from '../../src/pages/memory.ts';
import { limits } from '../../src/server/limits.ts';
import { MiB } from '../../src/units.ts';
import { serveWith } from '../daemon/by-hand.ts';

const LENGTH = 32 * MiB;
const data = Buffer.alloc(LENGTH, 7);

function request(command: number, offset = 0, length = 0): Uint8Array {
  return requestBytes(Object.assign(new RequestHeader(), { command, offset, length }), false);
}

function write(offset: number, length = LENGTH): Uint8Array {
  return request(Command.WRITE, offset, length);
}

/** A client of a device of 64 MiB. @param fails whether there is no memory. */
async function client(fails: () => boolean) {
  return (await clientAndFaults(fails))[0];
}

async function clientAndFaults(fails: () => boolean) {
  const allocator = createSlabAllocator({ memory: new DataMemory({ fails }), poolSlabs: 0 });
  const { connect, loop, faults } = await serveWith(allocator);
  const made = connect();
  /** @returns the errors of its replies, and in how many reads it was taken. */
  const send = async (...parts: Uint8Array[]): Promise<[errors: number[], reads: number]> => {
    const before = made.reads;
    made.send(...parts);
    await loop.goOn();
    loop.pass(1e6);
    return [made.errors(), made.reads - before];
  };
  return [send, faults] as const;
}

/** With a few to begin and to end. */
const READS_MAX = LENGTH / limits.receiveBuffer.max + 4;

test('a long write whose memory ends is read to its end in large pieces', async () => {
  let refuse = false;
  let taken = 0;
  const send = await client(() => refuse && ++taken > 16);
  expect((await send(write(0), data))[0]).toEqual([0]);
  refuse = true;
  const [errors, reads] = await send(write(LENGTH), data);
  expect(errors).toEqual([NbdError.ENOSPC]);
  expect(reads).toBeLessThan(READS_MAX + 16);
  refuse = false;
  expect((await send(write(LENGTH), data))[0]).toEqual([0]);
});

test('a refused write is read to its end in large pieces, also behind a long one', async () => {
  const send = await client(() => false);
  for (let round = 0; round < 2; round++) {
    const [errors, reads] = await send(write(64 * MiB), data);
    expect(errors).toEqual([NbdError.ENOSPC]);
    expect(reads).toBeLessThan(READS_MAX);
    expect((await send(write(0), data))[0]).toEqual([0]);
  }
});

test('what comes behind it in the same bytes is not thrown away with it', async () => {
  const send = await client(() => false);
  for (const length of [1, 512, 100_000, LENGTH]) {
    const refused = [write(64 * MiB, length), data.subarray(0, length)];
    const fine = [write(0, 512), data.subarray(0, 512)];
    expect((await send(...refused, ...fine))[0]).toEqual([NbdError.ENOSPC, 0]);
    expect((await send(...fine))[0]).toEqual([0]);
  }
});

test('short requests that are refused are read many at a time, also behind a long write', async () => {
  const send = await client(() => false);
  expect((await send(write(0), data))[0]).toEqual([0]);
  const short = Array.from({ length: 1000 }, () => request(Command.TRIM, 64 * MiB, 512));
  const [errors, reads] = await send(...short);
  expect(errors).toEqual(short.map(() => NbdError.EINVAL));
  expect(reads).toBeLessThan(10);
});

test('what comes behind a goodbye is read in large pieces, also behind a long write', async () => {
  const [send, faults] = await clientAndFaults(() => false);
  expect((await send(write(0), data))[0]).toEqual([0]);
  const [errors, reads] = await send(request(Command.DISC), data);
  expect(errors).toEqual([]);
  expect(reads).toBeLessThan(READS_MAX);
  // One fault, in any number of reads.
  expect(faults.total().get('bytes-behind-disc')).toBe(1);
});
