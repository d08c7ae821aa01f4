import { expect, test } from 'vitest';
import { Found } from './failure.ts';
import { DiskModel } from './model.ts';

const CELL_BYTES = 512;
const WORDS = CELL_BYTES / 4;

/** One cell, in which an old write was begun before a new one was done. */
function twoWrites(): { model: DiskModel; old: number } {
  const model = new DiskModel(1, CELL_BYTES, true, 7, false);
  model.journalBegins();
  const old = model.begin(0, 1);
  const first = model.begin(0, 1);
  model.ended(first, true, false);
  model.ended(old, false, false);
  const next = model.begin(0, 1);
  model.promise(0, 1, model.beginOf(next), true);
  model.ended(next, true, true);
  return { model, old };
}

function look(model: DiskModel, version: number): () => void {
  const words = new Uint32Array(WORDS);
  model.fill(words, 0, version, 0, 1);
  const then = model.lower.slice();
  return () => model.check(words, 0, 0, 1, then, 0, false);
}

test('a write that ended before a durable one began is gone after a cut by a journal', () => {
  const { model, old } = twoWrites();
  model.cutByJournal();
  expect(look(model, old)).toThrow(Found);
});

test('a write that was never answered may be there after a cut by a journal', () => {
  const { model, old } = twoWrites();
  model.unanswered(old);
  expect(look(model, old)).toThrow(Found);
  model.cutByJournal();
  expect(look(model, old)).not.toThrow();
});

test('so may zeros that were never answered', () => {
  const { model } = twoWrites();
  model.unansweredConstant('zeros', 0, 1);
  expect(model.mayBeZeros(0, model.lower[0] ?? 0)).toBe(false);
  model.cutByJournal();
  expect(model.mayBeZeros(0, model.lower[0] ?? 0)).toBe(true);
});

test('a new journal knows nothing of what the one before it was not told', () => {
  const { model, old } = twoWrites();
  model.unanswered(old);
  model.journalBegins();
  const next = model.begin(0, 1);
  model.promise(0, 1, model.beginOf(next), true);
  model.ended(next, true, true);
  model.cutByJournal();
  expect(look(model, old)).toThrow(Found);
});

test('behind a write pointer zeros are stored, which clients read as ones', () => {
  const model = new DiskModel(1, CELL_BYTES, true, 7, true);
  const words = new Uint32Array(WORDS);
  const version = model.begin(0, 1);
  model.ended(version, true, true);
  const written = model.keep();
  model.kept(written);
  expect(() => model.checkHeld(words, written, 1)).toThrow(Found);
  expect(() => model.checkHeld(words, written, 0)).not.toThrow();
  model.endedConstant('ones', 0, 1, model.beginConstant('ones', 0, 1), true, true);
  const reset = model.keep();
  model.kept(reset);
  expect(() => model.checkHeld(words, reset, 1)).not.toThrow();
  model.rolledBack(written, model.tick++);
  const back = model.keep();
  model.kept(back);
  expect(() => model.checkHeld(words, back, 1)).toThrow(Found);
});
