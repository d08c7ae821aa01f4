import { expect, test } from 'vitest';
import { Operation } from './operation.ts';

test('a request has more time by what its device was given since', () => {
  const one = new Operation(0);
  one.expect(1000, 50);
  expect(one.due(50)).toBe(1000);
  expect(one.due(60)).toBe(1080);
});

test('whoever is in a hurry takes none of that away', () => {
  const one = new Operation(0);
  one.expect(1000, 50);
  one.hurry(5000, 60);
  expect(one.due(60)).toBe(1080);
  expect(one.due(61)).toBe(1088);
  one.hurry(1050, 61);
  expect(one.due(61)).toBe(1050);
});
