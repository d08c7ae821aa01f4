/** The tests of some files, as vitest reads them from the sources without loading any. */

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder } from '../run-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What values are put in place of: `%s`, `$number`, `${name}`. */
const PLACEHOLDER = /%[sdifjoO#$]|\$\{[^}]*\}|\$\w+/g;

/** By file and title, those that are not skipped, with `…` where values are put into a title.
 *  @param files from the root of the checkout. */
export function collected(files: readonly string[]): Map<string, Map<string, boolean>> {
  const folder = newFolder();
  try {
    const list = join(folder, 'list.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    // Paths are filters by substring: in whole they mean one file each.
    const paths = files.map((file) => join(root, file));
    const env = { ...process.env, VITEST: undefined, NODE_OPTIONS: undefined };
    // To load them, and all that they import, takes three times as long.
    const command = [vitest, 'list', '--staticParse', `--json=${list}`, ...paths];
    execFileSync(process.execPath, command, { cwd: root, env, stdio: 'pipe' });
    const found: { name: string; file: string }[] = JSON.parse(readFileSync(list, 'utf8'));
    const byFile = new Map<string, Map<string, boolean>>();
    for (const { name, file } of found) {
      const path = relative(root, file);
      const titles = byFile.get(path) ?? new Map<string, boolean>();
      byFile.set(path, titles.set(name.replaceAll(PLACEHOLDER, '…'), true));
    }
    return byFile;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
