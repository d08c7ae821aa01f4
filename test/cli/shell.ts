/** Commands typed to a daemon whose world is moved by hand, in the tests' own process. */

import { expect } from 'vitest';
import { type Served, serve } from '../control/served.ts';
import { runHere } from './here.ts';

export interface Shell extends Served {
  /** Runs a command against the daemon; it succeeds. @returns what it said. */
  tnull(...args: readonly string[]): Promise<string>;
  /** The same for one that fails. */
  refused(...args: readonly string[]): Promise<string>;
}

export async function shell(): Promise<Shell> {
  const it = await serve();
  return {
    ...it,
    async tnull(...args) {
      const { status, stdout, stderr } = await runHere(...args, '--control', it.path);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return stdout;
    },
    async refused(...args) {
      const { status, stdout, stderr } = await runHere(...args, '--control', it.path);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
      return stderr.slice('tnull: '.length, -1);
    },
  };
}
