/** Vitest's global set-up: one folder for a whole run, for what test files share, such as certificates.
 *  Files share a process, which vitest ends without its exit handlers: so the run removes it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VARIABLE = 'TNULL_TEST_FOLDER';

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-run-'));
  process.env[VARIABLE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

/** @throws Error where this is not named as the configuration's global set-up. */
export function runFolder(): string {
  const folder = process.env[VARIABLE];
  if (folder === undefined) throw new Error(`${VARIABLE}: set by test/run-folder.ts (globalSetup)`);
  return folder;
}
