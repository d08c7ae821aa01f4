import { expect, test } from 'vitest';
import { judge, MEMORY_KEPT } from './judge.ts';

const left = (...all: readonly number[]) => all.map((rss) => ({ rss, handles: 20 }));

test('what levels off after a whole round is no leak', () => {
  expect(judge(left(150, 300, 290, 310))).toBeUndefined();
  expect(judge(left(300, 200, 250, 299))).toBeUndefined();
});

test('what grows beyond it is one', () => {
  expect(judge(left(150, 200, 240, 280))).toBe(MEMORY_KEPT);
});

test('handles may not grow at all', () => {
  const more = [...left(150, 200), { rss: 200, handles: 21 }];
  expect(judge(more)).toBe('handles were kept');
});

test('a run without a whole round judges nothing, and says so', () => {
  expect(judge(left(150))).toBe('no whole round');
});
