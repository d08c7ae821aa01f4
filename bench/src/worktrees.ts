/** A commit of this repository, checked out beside it and built, for as long as it is measured. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from './kinds.ts';
import { ProgramError, run, scratch } from './processes.ts';

export interface Checkout {
  readonly path: string;
  /** A folder, or a commit with its subject. */
  readonly text: string;
  remove(): Promise<void>;
}

/** @param name a commit, or a folder with a built tnull, which is left as it is. @throws ProgramError. */
export async function checkOut(name: string, folder: string): Promise<Checkout> {
  if (existsSync(join(name, 'bin', 'tnull.js'))) {
    return { path: name, text: name, remove: () => Promise.resolve() };
  }
  const git = (...args: string[]): Promise<string> => run('git', ['-C', checkout, ...args]);
  const commit = (
    await git('rev-parse', '--verify', '--quiet', `${name}^{commit}`).catch(() => {
      throw new ProgramError(`'${name}' is neither a commit nor a folder with bin/tnull.js`);
    })
  ).trim();
  const path = join(folder, `checkout-${Math.random().toString(36).slice(2)}`);
  scratch.add(path);
  await git('worktree', 'prune');
  await git('worktree', 'add', '--detach', path, commit);
  const remove = async (): Promise<void> => {
    await git('worktree', 'remove', '--force', path);
    scratch.delete(path);
  };
  try {
    // The previous downloads are in npm's cache.
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', ['ci', ...flags], { cwd: path });
    await run('npm', ['run', '--silent', 'build'], { cwd: path });
    const text = (await git('log', '-1', '--format=%h %s', commit)).trim();
    return { path, text, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
