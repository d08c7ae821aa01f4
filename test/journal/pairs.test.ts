/** Which command an answer belongs to. */

import { expect, test } from 'vitest';
import { type JournalRecord, Kind } from '../../src/journal/format.ts';
import { Pairs } from '../../src/journal/pairs.ts';

function record(id: bigint, client: number): JournalRecord {
  return {
    ...{ kind: Kind.arrived, command: 1, flags: 0, client, id, sector: 0, sectors: 0 },
    ...{ errno: 0, ns: 0n, payload: new Uint8Array(0) },
  };
}

test('the id says it, and an id that was answered is free again', () => {
  const pairs = new Pairs<string>();
  pairs.arrived(record(1n, 1), 'a');
  pairs.arrived(record(2n, 1), 'b');
  expect(pairs.answered(record(2n, 1))).toBe('b');
  pairs.arrived(record(2n, 1), 'c');
  expect(pairs.answered(record(1n, 1))).toBe('a');
  expect(pairs.answered(record(2n, 1))).toBe('c');
});

test('where clients chose the same id, the client says whose is answered; else it may be left out', () => {
  const pairs = new Pairs<string>();
  pairs.arrived(record(1n, 1), 'a');
  pairs.arrived(record(1n, 2), 'b');
  expect(() => pairs.answered(record(1n, 3))).toThrow('id 1 of client 3 is answered, but');
  expect(pairs.answered(record(1n, 2))).toBe('b');
  expect(pairs.answered(record(1n, 0))).toBe('a');
});

test('one client may not have an id twice', () => {
  const pairs = new Pairs<string>();
  pairs.arrived(record(1n, 1), 'a');
  expect(() => pairs.arrived(record(1n, 1), 'b')).toThrow('waits for its answer already');
});
