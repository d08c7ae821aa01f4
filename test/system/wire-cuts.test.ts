/** Handshake and reply that end, or stand still, at every byte: each foreign client ends with an error within
 *  its time limit, but for one place. libnbd and qemu-img have none: in the handshake that of tnull is theirs. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRows } from '../test-runs.ts';
import { describeEachDebian } from './debians.ts';
import { type Aimed, aimedAt, vatesClient } from './struck.ts';

/** Of a read: its reply is longer by its header alone. */
const BYTES = 512;
/** No client's handshake, and no such reply, is as long. */
const LONGER = 700;
const VATES_LIMIT_MS = 500;

let served: Aimed;
beforeAll(async () => {
  served = await aimedAt('--handshake-timeout', '1');
});
afterAll(async () => {
  expect(await served.tnull.stop()).toBe(0);
});

type Op = 'handshake' | 'read';

/** The first connection meets the first place, the next one the next. */
function cutAt(op: Op, form: 'truncate' | 'stall', places: readonly number[]): Promise<void> {
  const what = op === 'read' ? { op, sectors: 0 } : { op };
  return served.load(places.map((at) => ({ ...what, times: '1', wire: `${form}:${at}` })));
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, at) => at);
const places = testRows(upTo(LONGER));
/** How many of them are below so many bytes. */
const below = (bytes: number): number => places.filter((at) => at < bytes).length;

/** Whether each of these clients succeeded, until the first that did; so many at a time. */
async function clients(
  most: number,
  lanes: number,
  one: () => Promise<unknown>,
): Promise<{ errors: number; good: number }> {
  const seen = { errors: 0, good: 0 };
  let left = most;
  const lane = async (): Promise<void> => {
    while (left-- > 0 && seen.good === 0) {
      await one().then(
        () => seen.good++,
        () => seen.errors++,
      );
    }
  };
  await Promise.all(upTo(lanes).map(lane));
  return seen;
}

const LIBNBD = `
import nbd, os, sys
uri, reads = sys.argv[1], sys.argv[2] == 'read'
errors = 0
while True:
    h = nbd.NBD()
    h.set_uri_allow_local_file(True)
    try:
        h.connect_uri(uri)
        if reads: assert h.pread(${BYTES}, 0) == b"\\7" * ${BYTES}
        break
    except nbd.Error: errors += 1
print(errors)
`;

describeEachDebian(({ run, python }) => {
  const nbdinfo = (): Promise<string> => run('nbdinfo', '--size', served.tnull.uri);
  const qemuImg = (): Promise<string> => run('qemu-img', 'info', '-f', 'raw', served.tnull.uri);

  test.each([
    ['nbdinfo', nbdinfo],
    ['qemu-img', qemuImg],
  ])('%s: the handshake ends or stands still at every byte', async (_, client) => {
    await cutAt('handshake', 'truncate', places);
    const { errors, good } = await clients(places.length, 4, client);
    expect(good).toBeGreaterThan(0);
    expect(errors).toBeGreaterThan(below(100));
    // Those that succeeded may have been faster than others that failed.
    await cutAt('handshake', 'stall', places.slice(0, errors));
    expect(await clients(errors, 48, client)).toEqual({ errors, good: 0 });
  });

  test.each([
    ['handshake', 100],
    ['read', BYTES],
  ] as const)('libnbd: the bytes of a %s end at every byte', async (op, atLeast) => {
    await cutAt(op, 'truncate', places);
    const errors = Number(await python(LIBNBD, served.tnull.uri, op));
    expect(errors).toBeGreaterThan(below(atLeast));
    expect(errors).toBeLessThan(places.length);
  });

  test('qemu-img: the bytes of a reply end at every byte', async () => {
    await cutAt('read', 'truncate', places);
    const words = ['dd', '-f', 'raw', '-O', 'raw', `bs=${BYTES}`, 'count=1'];
    let files = 0;
    const { errors, good } = await clients(places.length, 4, () => {
      // Each with its own: qemu locks what it writes.
      const out = join(served.tnull.folder, `out${files++}`);
      return run('qemu-img', ...words, `if=${served.tnull.uri}`, `of=${out}`);
    });
    expect(good).toBeGreaterThan(0);
    expect(errors).toBeGreaterThan(below(BYTES));
    expect(errors).toBeLessThan(places.length - 4);
  });
});

test('@vates/nbd-client: the handshake ends or stands still at every byte', async () => {
  async function connects(): Promise<void> {
    const client = await vatesClient(served.port, VATES_LIMIT_MS);
    await client.connect();
    await client.disconnect();
  }
  await cutAt('handshake', 'truncate', upTo(LONGER));
  const { errors, good } = await clients(LONGER, 1, connects);
  expect(good).toBe(1);
  expect(errors).toBeGreaterThan(100);
  await cutAt('handshake', 'stall', upTo(errors));
  expect(await clients(errors, errors, connects)).toEqual({ errors, good: 0 });
});

/** It forgets which read the data are for before they have come: `hangs` is a promise that is never settled. */
test('@vates/nbd-client: the bytes of a reply end at every byte, and a read whose data does not come hangs', async () => {
  const HEADER_BYTES = 16;
  async function reads(): Promise<string> {
    const client = await vatesClient(served.port);
    await client.connect();
    let outcome = 'hangs';
    const first = client.readBlock(0, BYTES).then(
      () => (outcome = 'good'),
      () => (outcome = 'error'),
    );
    // It fails in any case when the connection ends, and then all has been told.
    const other = client.readBlock(1, BYTES).catch(() => undefined);
    await Promise.race([other, first.then(() => other)]);
    await client.disconnect().catch(() => undefined);
    return outcome;
  }
  await cutAt('read', 'truncate', upTo(LONGER));
  const outcomes: string[] = [];
  while (outcomes.at(-1) !== 'good') outcomes.push(await reads());
  expect(outcomes.length).toBeLessThan(LONGER);
  expect(new Set(outcomes.slice(0, HEADER_BYTES))).toEqual(new Set(['error']));
  // The reset may come before the header is looked at.
  expect(outcomes.slice(HEADER_BYTES)).toContain('hangs');
  expect(outcomes.length).toBeGreaterThan(HEADER_BYTES + BYTES);
});
