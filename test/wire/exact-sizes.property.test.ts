/** Memory-backed devices whose size is not a multiple of their blocks, on the wire, against a naive model:
 *  an array of exactly so many bytes. docs/running.md. */

import fc from 'fast-check';
import { Command, NbdError } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { testRuns } from '../test-runs.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { FormClient, forms } from './form-client.ts';

const { READ, WRITE, TRIM, WRITE_ZEROES, BLOCK_STATUS } = Command;
const ALLOCATION = 'base:allocation';
const DATA = 0n;
const HOLE = 1n;
const SIZE_MAX = 140_000;

const kinds = ['write', 'zero', 'trim', 'read', 'status'] as const;

interface Step {
  readonly kind: (typeof kinds)[number];
  /** Of the size; from its end: bytes before it. */
  readonly place: number;
  readonly fromEnd: boolean;
  readonly length: number;
}

const lengths = fc.oneof(
  fc.integer({ min: 1, max: 9000 }),
  fc.integer({ min: 1, max: SIZE_MAX }),
  fc.constantFrom(1, 511, 512, 513, 4095, 4096, 4097),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    place: fc.oneof(fc.nat(SIZE_MAX), fc.constantFrom(0, 512, 4096, 8192)),
    fromEnd: fc.boolean(),
    length: lengths,
  }),
  { minLength: 1, maxLength: 16 },
);
const sizes = fc.oneof(
  fc.integer({ min: 1, max: SIZE_MAX }),
  fc.constantFrom(1, 511, 512, 513, 4095, 4096, 4097, 65_535, 65_537),
);

class Model {
  readonly bytes: Uint8Array;
  readonly #block: number;

  constructor(size: number, block: number) {
    this.bytes = new Uint8Array(size);
    this.#block = block;
  }

  /** Whole blocks only; the last is whole where the device ends in it. */
  trim(offset: number, length: number): void {
    const block = this.#block;
    const end = offset + length;
    const last = end === this.bytes.length ? end : end - (end % block);
    const first = Math.ceil(offset / block) * block;
    if (first < last) this.bytes.fill(0, first, last);
  }
}

/** The range of a step, cut to the device. */
function rangeOf({ place, fromEnd, length }: Step, size: number): [number, number] {
  if (fromEnd) {
    const offset = Math.max(0, size - Math.max(1, place));
    return [offset, Math.min(length, size - offset)];
  }
  const offset = place % size;
  return [offset, Math.min(length, size - offset)];
}

async function holds(client: FormClient, offset: number, bytes: Uint8Array): Promise<void> {
  const data = await client.read(offset, bytes.length);
  const first = data.findIndex((byte, at) => byte !== bytes[at]);
  expect(first, 'the first byte that differs').toBe(-1);
}

async function apply(client: FormClient, model: Model, step: Step, fill: number): Promise<void> {
  const [offset, length] = rangeOf(step, model.bytes.length);
  const { bytes } = model;
  switch (step.kind) {
    case 'write':
      bytes.fill(fill, offset, offset + length);
      await client.write(offset, bytes.slice(offset, offset + length));
      return;
    case 'zero':
      bytes.fill(0, offset, offset + length);
      expect((await client.ask({ command: WRITE_ZEROES, offset, length })).error).toBe(0);
      return;
    case 'trim':
      model.trim(offset, length);
      expect((await client.ask({ command: TRIM, offset, length })).error).toBe(0);
      return;
    case 'read':
      await holds(client, offset, bytes.subarray(offset, offset + length));
      return;
    case 'status':
      if (client.form !== 'simple') await checkStatus(client, model, offset, length);
  }
}

/** What is told to be a hole reads as zeros, and extents end at the export's last byte. */
async function checkStatus(
  client: FormClient,
  model: Model,
  offset: number,
  length: number,
): Promise<void> {
  const reply = await client.ask({ command: BLOCK_STATUS, offset, length });
  const extents = reply.statuses.get(ALLOCATION) ?? [];
  let at = offset;
  for (const { length: bytes, status } of extents) {
    const data = model.bytes.subarray(at, at + bytes);
    if ((status & HOLE) !== DATA) expect(data.some((byte) => byte !== 0)).toBe(false);
    at += bytes;
  }
  expect(at).toBeGreaterThanOrEqual(offset + length);
  expect(at).toBeLessThanOrEqual(model.bytes.length);
}

/** One byte further than there is, with each command. */
async function checkEnd(client: FormClient, size: number): Promise<void> {
  expect(client.size).toBe(size);
  for (const [offset, length] of [
    [size - 1, 2],
    [size, 1],
    [0, size + 1],
  ] as const) {
    const read = await client.ask({ command: READ, offset, length });
    expect(read.error).toBe(NbdError.EINVAL);
    const write = await client.ask({ command: WRITE, offset, length }, new Uint8Array(length));
    expect(write.error).toBe(NbdError.ENOSPC);
    expect((await client.ask({ command: WRITE_ZEROES, offset, length })).error).toBe(
      NbdError.ENOSPC,
    );
    expect((await client.ask({ command: TRIM, offset, length })).error).toBe(NbdError.EINVAL);
  }
}

/** The bytes of the last block that no client could name are zero, as a larger device shows. */
async function checkBehind(served: Controlled, name: string, size: number): Promise<void> {
  await served.set(name, { power: 0 });
  await served.set(name, { size_bytes: size + 4096, power: 1 });
  const client = await FormClient.open(served.path, { form: 'simple', name });
  await holds(client, size, new Uint8Array(4096));
  client.wire.reset();
}

test.each(forms.flatMap((form) => [512, 4096].map((block) => [form, block] as const)))(
  '%s, blocks of %i: a device of any size is an array of so many bytes',
  async (form, block) => {
    const served = await serveControlled('nr_devices=0', `bs=${block}`, 'memory_backed=1');
    let count = 0;
    await fc.assert(
      fc.asyncProperty(sizes, steps, async (size, all) => {
        const name = `d${count++}`;
        const json = { size_bytes: size, discard: 1, power: 1 };
        expect((await served.ask('PUT', `/v1/devices/${name}`, { json })).status).toBe(201);
        const contexts = form === 'simple' ? [] : [ALLOCATION];
        const client = await FormClient.open(served.path, { form, name, contexts });
        const model = new Model(size, block);
        await checkEnd(client, size);
        for (const [at, step] of all.entries()) await apply(client, model, step, at + 1);
        await holds(client, 0, model.bytes);
        const whole = { command: WRITE_ZEROES, offset: 0, length: size };
        expect((await client.ask(whole)).error).toBe(0);
        expect((await served.stats(name)).memory.heldBytes).toBe(0);
        model.bytes.fill(0);
        for (const [at, step] of all.entries()) await apply(client, model, step, at + 101);
        await holds(client, 0, model.bytes);
        client.wire.reset();
        await checkBehind(served, name, size);
        await served.ask('DELETE', `/v1/devices/${name}`);
      }),
      { numRuns: testRuns(20) },
    );
  },
);
