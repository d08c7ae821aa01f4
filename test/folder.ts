/** A temporary folder for one test. */

import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { newFolder } from './run-folder.ts';

/** A folder that is gone when the test is over. Not for `beforeAll` and concurrent tests. */
export function folder(): string {
  const path = newFolder();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
