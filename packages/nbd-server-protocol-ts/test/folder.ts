/** A temporary folder for a test of this package, which uses nothing from outside it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Folder {
  readonly path: string;
  remove(): void;
}

export function newFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'nbd-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
