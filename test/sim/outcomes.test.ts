import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { SimDevice } from './device.ts';
import { Operation } from './operation.ts';
import { settle } from './outcomes.ts';

const WORDS = 128;

/** A device of one cell that keeps a journal, with a write that began before a flush made another one durable.
 *  @param isStruck a rule may have struck it. @returns may it be there after a cut by the journal? */
function mayBeThere(isStruck: boolean): boolean {
  const attributes = { size: 1, blocksize: 512, memory_backed: 1, cache_size: 1, journal: 1 };
  const plan = { name: 'd0', attributes, base: 0, cells: 1, cellBytes: 512 };
  const device = new SimDevice(plan, 7, 0);
  const { model, ruled } = device;
  model.journalBegins();
  const old = write(device);
  if (isStruck) ruled.begin();
  settle(old, device);
  if (isStruck) ruled.end();
  settle(write(device), device);
  const flush = new Operation(2);
  flush.begin(Command.FLUSH, 0, 0, 0);
  flush.tick = model.tick++;
  flush.promisedThen = model.promised.slice();
  settle(flush, device);
  model.cutByJournal();
  const words = new Uint32Array(WORDS);
  model.fill(words, 0, old.version, 0, 1);
  try {
    model.check(words, 0, 0, 1, model.lower.slice(), 0, false);
    return true;
  } catch {
    return false;
  }
}

function write({ model }: SimDevice): Operation {
  const one = new Operation(0);
  one.begin(Command.WRITE, 0, 0, 512);
  one.end = 1;
  one.version = model.begin(0, 1);
  one.tick = model.tick++;
  return one;
}

test('an answer that a rule may have struck is none that the journal has', () => {
  expect(mayBeThere(false)).toBe(false);
  expect(mayBeThere(true)).toBe(true);
});
