/** When a client is lent again: at once after a loan that was worth it, later and later while it comes back at once. */

import { expect, test } from 'vitest';
import { Lending } from '../../src/server/lending.ts';

type Offered = Parameters<Lending['offer']>;

/** A client of a shared device, and a stream whose owner executes batches. */
function client() {
  const shared = { id: 1, enabled: true };
  const exported = { shared };
  const agreed = { export: exported, replyForm: 'simple', flags: 0 } as unknown as Offered[0]; // as much as it needs
  let lent = 0;
  const stream = { batchesElsewhere: 0, offer() {}, lend: () => void lent++ };
  const lending = new Lending();
  const given = stream as unknown as Offered[3]; // the part of a stream that it uses
  lending.offer(agreed, 1, 0, given);
  const session = { export: exported as unknown as Offered[0]['export'] }; // the same
  /** Idle moments until it is lent. */
  const idle = (): number => {
    const before = lent;
    for (let moments = 0; ; moments++) {
      lending.lendIfIdle({ idle: true, session }, given);
      if (lent > before) return moments;
    }
  };
  return { stream, shared, idle, lending, session, given, lentTimes: () => lent };
}

test('the first idle moment lends it, and so does the next one after a long loan', () => {
  const { stream, idle } = client();
  expect(idle()).toBe(0);
  stream.batchesElsewhere += 100;
  expect(idle()).toBe(0);
});

test('the more often it comes back at once, the later it is lent, but not beyond some time', () => {
  const { stream, idle } = client();
  const waits = Array.from({ length: 8 }, () => {
    const waited = idle();
    stream.batchesElsewhere += 1;
    return waited;
  });
  expect(waits).toEqual([0, 1, 3, 7, 15, 31, 63, 63]);
  expect(idle()).toBe(63);
  stream.batchesElsewhere += 4;
  expect(idle()).toBe(0);
  stream.batchesElsewhere += 3;
  expect(idle()).toBe(1);
});

test('a loan that its owner did not take up says nothing', () => {
  const { idle } = client();
  expect([idle(), idle(), idle()]).toEqual([0, 0, 0]);
});

test('the number of batches may begin anew', () => {
  const { stream, idle } = client();
  stream.batchesElsewhere = 2 ** 32 - 1;
  expect(idle()).toBe(0);
  stream.batchesElsewhere = 1;
  expect(idle()).toBe(1);
});

test('nobody is lent who has something on its way, or whose device is closed to threads', () => {
  const { shared, lending, session, given, lentTimes } = client();
  lending.lendIfIdle({ idle: false, session }, given);
  shared.enabled = false;
  lending.lendIfIdle({ idle: true, session }, given);
  expect(lentTimes()).toBe(0);
});
