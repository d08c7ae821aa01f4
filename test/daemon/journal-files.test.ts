/** The files that journals go to, beside what the system does meanwhile. crash.md section 2, journal_file. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { journalFiles } from '../../src/daemon/journal-files.ts';
import { MAGIC } from '../../src/driver/journal/recorder.ts';
import { folder } from '../folder.ts';

test('a write of the journal before does not reach the next one in the same file', async () => {
  const open = journalFiles();
  const path = join(folder(), 'run.tj');
  const before = open(path, 'disk');
  expect(await before.empty()).toEqual({ done: 0 });
  expect(await before.write(MAGIC, 0)).toEqual({ done: MAGIC.length });
  // It takes the system much longer than to make a file empty.
  const late = before.write(Buffer.alloc(64 << 20, 'x'), MAGIC.length);
  const next = open(path, 'disk');
  await next.empty();
  expect(await next.write(MAGIC, 0)).toEqual({ done: MAGIC.length });
  expect(await late).toEqual({ done: 64 << 20 });
  expect(readFileSync(path).equals(MAGIC)).toBe(true);
  before.close();
  next.close();
});
