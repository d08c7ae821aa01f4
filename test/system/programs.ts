/** Foreign programs that the system tests call, and what to do where one is missing. */

import { spawnSync } from 'node:child_process';

/** Debian's packages, where they are not called as the program is. */
const packages: Record<string, string> = {
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  '/usr/bin/python3': 'python3-libnbd',
  'systemd-analyze': 'systemd',
  'systemd-notify': 'systemd',
};

/** The one line for who has not got `program`. */
export function missing(program: string): string {
  return `${program} is missing: apt-get install ${packages[program] ?? program}`;
}

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `program` to its end. @throws when it is not there. */
export function call(
  program: string,
  args: readonly string[],
  given: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Said {
  const options = { ...given, encoding: 'utf8' } as const;
  const { error, status, stdout, stderr } = spawnSync(program, args, options);
  if (error !== undefined) throw new Error(missing(program), { cause: error });
  return { status, stdout, stderr };
}
