/** Finds, or makes once, the folders with the programs of both Debians and with clients from npm. */

import { execFileSync, type StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import type { Release } from './debians.ts';

const scripts = new URL('../../scripts/', import.meta.url).pathname;

/** The release of this machine, if it is Debian. */
function machine(): string | undefined {
  const text = readFileSync('/etc/os-release', 'utf8');
  return /^ID=debian$/m.test(text) ? /^VERSION_ID="(\d+)"$/m.exec(text)?.[1] : undefined;
}

/** What a script says: a folder; or 'none', where it has said why not on stderr. */
function folder(script: string, ...words: string[]): string {
  try {
    const stdio = ['ignore', 'pipe', 'inherit'] satisfies StdioOptions;
    return execFileSync('bash', [scripts + script, ...words], { stdio })
      .toString()
      .trim();
  } catch {
    return 'none';
  }
}

function debian(release: Release): string {
  return release === machine() ? 'machine' : folder('debian-root.sh', release);
}

export function setup(project: TestProject): void {
  project.provide('debians', { 12: debian('12'), 13: debian('13') });
  project.provide('npmClients', folder('npm-clients.sh'));
}
