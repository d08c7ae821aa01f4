/** Every flag that takes a size takes the same ones, and says so where it refuses one. */

import { describe, expect, test } from 'vitest';
import { limitWords, serveFlags } from '../../scripts/docs/words.ts';
import { helpBelowFlags } from '../../src/cli/help.ts';
import type { ServeCommand } from '../../src/cli/parse-arguments.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';

const MIB = 2 ** 20;
const UNITS = 'bytes, or with K, M, G, T, P or E, powers of 1024';

function parsed(flag: string): ServeCommand {
  const made = parseArguments([flag], '');
  if (made.kind !== 'serve') throw new Error(made.text);
  return made;
}

/** What `flag` says, whichever it is. */
function sizeOf(flag: string): number | undefined {
  const { memoryLimit, limits } = parsed(flag);
  return memoryLimit ?? Object.values(limits)[0];
}

const flags = [...serveFlags, ...limitWords].filter(({ value }) => value === 'size');

test('these are the flags that take a size', () => {
  expect(flags.map(({ long }) => long)).toEqual([
    '--memory-limit',
    '--max-payload',
    '--max-in-flight',
    '--max-in-flight-total',
  ]);
  expect([...serveFlags, ...limitWords].filter(({ value }) => value === 'bytes')).toEqual([]);
  expect(helpBelowFlags()).toContain(`A size is ${UNITS}`);
});

describe.each(flags)('$long', ({ long }) => {
  const size = long === '--max-in-flight-total' ? 512 : 64;

  test.each([
    String(size * MIB),
    `0x${(size * MIB).toString(16)}`,
    `${size * 1024}K`,
    `${size}M`,
    `${size}m`,
    `${size}MiB`,
  ])('%s', (text) => {
    expect(sizeOf(`${long}=${text}`)).toBe(size * MIB);
  });

  test.each(['64MB', '64X', '1.5M', '1E', '-1', ''])('refuses %s with range and units', (text) => {
    expect(() => parsed(`${long}=${text}`)).toThrow(
      new RegExp(
        `^${long}=${text}: must be \\d+M\\.\\.\\d+[MGTP] \\(${UNITS}\\)(, or 0 for no limit)?$`,
      ),
    );
  });
});

test('1T is a size as any other', () => {
  expect(sizeOf('--memory-limit=1T')).toBe(2 ** 40);
  expect(sizeOf('--max-in-flight-total=1T')).toBe(2 ** 40);
  expect(sizeOf('--memory-limit=8P')).toBe(2 ** 53);
});
