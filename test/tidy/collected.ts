/** The tests of some files, as vitest collects them without running any. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** By file and title, those that are not skipped. @param files from the root of the checkout. */
export function collected(files: readonly string[]): Map<string, Map<string, boolean>> {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-rows-'));
  try {
    const list = join(folder, 'list.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    // Paths are filters by substring: in whole they mean one file each.
    const paths = files.map((file) => join(root, file));
    const env = { ...process.env, VITEST: undefined, NODE_OPTIONS: undefined };
    // Nothing is run: so they need not be kept apart, which takes five times as long.
    const quickly = ['--pool=threads', '--no-isolate'];
    const command = [vitest, 'list', `--json=${list}`, ...quickly, ...paths];
    execFileSync(process.execPath, command, { cwd: root, env, stdio: 'pipe' });
    const found: { name: string; file: string }[] = JSON.parse(readFileSync(list, 'utf8'));
    const byFile = new Map<string, Map<string, boolean>>();
    for (const { name, file } of found) {
      const path = relative(root, file);
      const titles = byFile.get(path) ?? new Map<string, boolean>();
      byFile.set(path, titles.set(name, true));
    }
    return byFile;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
