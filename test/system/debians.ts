/** The two releases of Debian whose NBD clients every test of a client runs: one is this machine's own,
 *  the other is in a folder (scripts/debian-root.sh, which debians-setup.ts calls once for all files). */

import { describe, inject } from 'vitest';
import { type Programs, programsIn } from './programs.ts';

export interface Debian extends Programs {
  readonly name: string;
  readonly release: Release;
}

const releases = ['12', '13'] as const;
export type Release = (typeof releases)[number];

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a release's programs are: a folder, 'machine', or 'none'. */
    debians: Readonly<Record<Release, string>>;
  }
}

const debians: readonly Debian[] = releases.map((release) => {
  const where = inject('debians')[release];
  const name = `debian ${release}`;
  if (where === 'machine') return { name, release, ...programsIn() };
  const make = `run: bash scripts/debian-root.sh ${release}`;
  if (where !== 'none') {
    const absent = (program: string): string =>
      `${program} of ${name} is missing in ${where}; ${make}`;
    return { name, release, ...programsIn(where, absent) };
  }
  const fail = (): never => {
    throw new Error(`the programs of ${name} could not be fetched; ${make}`);
  };
  const lacking = { env: {}, pythonPath: 'python3', run: async () => fail(), start: fail };
  return {
    name,
    release,
    ...lacking,
    python: async () => fail(),
    nbdsh: async () => fail(),
    fio: async () => fail(),
  };
});

/** The same tests with the clients of each, under its name. */
export function describeEachDebian(tests: (debian: Debian) => void): void {
  for (const debian of debians) describe(debian.name, () => tests(debian));
}
