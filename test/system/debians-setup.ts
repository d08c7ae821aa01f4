/** Finds, or makes once, the folders with the programs of both Debians. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import type { Release } from './debians.ts';

const script = new URL('../../scripts/debian-root.sh', import.meta.url).pathname;

/** The release of this machine, if it is Debian. */
function machine(): string | undefined {
  const text = readFileSync('/etc/os-release', 'utf8');
  return /^ID=debian$/m.test(text) ? /^VERSION_ID="(\d+)"$/m.exec(text)?.[1] : undefined;
}

function folder(release: Release): string {
  if (release === machine()) return 'machine';
  try {
    const said = execFileSync('bash', [script, release], { stdio: ['ignore', 'pipe', 'inherit'] });
    return said.toString().trim();
  } catch {
    return 'none'; // It has said why; each test that needs the release fails.
  }
}

export function setup(project: TestProject): void {
  project.provide('debians', { 12: folder('12'), 13: folder('13') });
}
