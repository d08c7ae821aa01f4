import { expect, test } from 'vitest';
import { BadBlocks } from '../../src/driver/badblocks.ts';
import { errnoOf } from './errno.ts';
import { writeBadBlocks } from './write-bad-blocks.ts';

test.each([
  ['+5-10', '5 6\n'],
  ['-5-10', ''],
  ['+0x10-0X1f', '16 16\n'],
  ['+010-020', '8 9\n'],
  [' +5-10', '5 6\n'],
  ['+5-10\n', '5 6\n'],
  ['\t+5-10 \n', '5 6\n'],
  ['+0-0', '0 1\n'],
  ['+18446744073709551615-18446744073709551615', '18446744073709551615 1\n'],
  ['+0-18446744073709551615', '0 18446744073709551616\n'],
  ['+9007199254740993-9007199254740993', '9007199254740993 1\n'],
  ['+1-2\n+5-6\n', '1 2\n5 2\n'],
  ['+1-9\n-3-4', '1 2\n5 5\n'],
])('writing %j gives %j', (text, shown) => {
  const list = new BadBlocks();
  writeBadBlocks(list, text);
  expect(list.text()).toBe(shown);
  expect(list.enabled).toBe(true);
});

test.each([
  ...['', '\n', '+', '-', '5', '+5', '+5-', '+-5', '5-10', '*5-10', '+a-b', '+10-5'],
  ...['+5-10x', '+5-10-20', '+5--10', '+-1-5', '+5,10', '+5:10', '++5-10', '+5-+10'],
  ...['+ 5-10', '+5 -10', '+5- 10', '+1-2\n\n+5-6', '+1-2\n +5-6', '+1-2 \n+5-6', '+1-2,+3-4'],
  ...['+08-9', '+0x-1', '+1.5-2', '+1e3-2e3', '+1_0-20', '+0b1-0b11', '+5\n-10'],
])('writing %j is EINVAL', (text) => {
  const list = new BadBlocks();
  expect(errnoOf(() => writeBadBlocks(list, text))).toBe('EINVAL');
  expect(list.text()).toBe('');
  expect(list.enabled).toBe(false);
});

test.each(['+18446744073709551616-18446744073709551617', '-0-18446744073709551616'])(
  'writing %j is ERANGE',
  (text) => {
    expect(errnoOf(() => writeBadBlocks(new BadBlocks(), text))).toBe('ERANGE');
  },
);

test('a write with one wrong line changes nothing', () => {
  const list = new BadBlocks();
  writeBadBlocks(list, '+1-1');
  expect(() => writeBadBlocks(list, '+5-6\n-1-1\n+9-8')).toThrow(
    'badblocks: +9-8: FIRST must not be behind',
  );
  expect(list.text()).toBe('1 1\n');
});

test('checking is switched on by the first range, bad or good, and said once', () => {
  const list = new BadBlocks();
  let heard = 0;
  list.onEnabled = () => heard++;
  expect(() => writeBadBlocks(list, 'x')).toThrow('must be +FIRST-LAST');
  expect([list.enabled, heard]).toEqual([false, 0]);
  writeBadBlocks(list, '-1-2');
  writeBadBlocks(list, '+1-2');
  expect([list.enabled, heard]).toEqual([true, 1]);
});

test('the sectors of the largest device are told from their neighbours', () => {
  const list = new BadBlocks();
  const last = 2 ** 44 - 1;
  writeBadBlocks(list, `+${last - 1}-${last - 1}\n+9007199254740993-18446744073709551615`);
  expect(list.firstBad(last, 1)).toBe(-1);
  expect(list.firstBad(last - 2, 1)).toBe(-1);
  expect(list.firstBad(last - 8, 9)).toBe(last - 1);
  list.clearRangeAt(last);
  expect(list.count).toBe(2);
  list.clearRangeAt(last - 1);
  expect(list.text()).toBe('9007199254740993 18437736874454810623\n');
});

test('10,000 ranges, in many chunks, are found where they are and nowhere else', () => {
  const list = new BadBlocks();
  writeBadBlocks(
    list,
    Array.from({ length: 10_000 }, (_, i) => `+${i * 100}-${i * 100}`).join('\n'),
  );
  expect(list.count).toBe(10_000);
  const wrong: number[] = [];
  for (let sector = 0; sector < 1_000_000; sector += 7) {
    const next = Math.ceil(sector / 100) * 100;
    if (list.firstBad(sector, 8) !== (next < sector + 8 && next < 1e6 ? next : -1))
      wrong.push(sector);
  }
  expect(wrong).toEqual([]);
});
