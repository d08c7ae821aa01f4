/** Visiting the servers in turns, also when one of them fails. */

import { expect, test } from 'vitest';
import { alternatePatiently } from '../../bench/src/groups/speed.ts';
import { ProgramError } from '../../bench/src/processes.ts';

const servers = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

test('a server that fails is passed by from then on, and costs the others nothing', async () => {
  const measured: string[] = [];
  const failures = await alternatePatiently(servers, 3, 'reads', async ({ name }) => {
    measured.push(name);
    if (name === 'b' && measured.length > 3) throw new ProgramError('refused\nrefused again');
  });
  expect(measured.join('')).toBe('abcbcaca');
  expect(failures).toEqual(['reads, b: refused']);
});

test('a bug of the benchmark ends it', async () => {
  const bug = new TypeError('undefined is not a function');
  const run = alternatePatiently(servers, 3, 'reads', () => Promise.reject(bug));
  await expect(run).rejects.toBe(bug);
});
