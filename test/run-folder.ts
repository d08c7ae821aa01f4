/** Vitest's global set-up: one folder for a whole run, which is also where everything that the run starts
 *  puts its temporary files. Test files share a process, which vitest ends without its exit handlers: so the
 *  run removes the folder. The only place under test/ that makes a temporary folder (test/tidy). */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VARIABLE = 'TNULL_TEST_FOLDER';
/** Folders of one test: the test removes them. Others last for the whole run. */
const OF_ONE_TEST = 'test-';

export default function setup(): () => void {
  // Vitest calls it for each of its projects, and a run of a test's own is part of this one.
  if (process.env[VARIABLE] !== undefined) return () => {};
  const folder = mkdtempSync(join(tmpdir(), 'tnull-run-'));
  process.env[VARIABLE] = folder;
  process.env['TMPDIR'] = folder; // for programs, also those that a test kills
  return () => {
    const left = readdirSync(folder).filter((name) => name.startsWith(OF_ONE_TEST));
    rmSync(folder, { recursive: true, force: true });
    if (left.length === 0) return;
    process.exitCode = 1; // what is thrown here only shows
    throw new Error(`tests left ${left.length} folders behind`);
  };
}

/** A folder that goes with the run, for what test files share.
 *  @throws Error where this file is not the configuration's global set-up. */
export function sharedFolder(): string {
  const run = process.env[VARIABLE];
  if (run === undefined) throw new Error(`${VARIABLE}: set by test/run-folder.ts (globalSetup)`);
  return mkdtempSync(join(run, 'shared-'));
}

/** A folder that the caller removes; in tests, `folder()` of test/folder.ts does that. Programs that are no
 *  run of vitest remove it when they end, too. */
export function newFolder(): string {
  const run = process.env[VARIABLE];
  if (run !== undefined) return mkdtempSync(join(run, OF_ONE_TEST));
  const folder = mkdtempSync(join(tmpdir(), 'tnull-test-'));
  if (ofThisProcess.length === 0) process.once('exit', removeOurs);
  ofThisProcess.push(folder);
  return folder;
}

const ofThisProcess: string[] = [];

function removeOurs(): void {
  for (const folder of ofThisProcess) rmSync(folder, { recursive: true, force: true });
}
