/** Foreign programs that the system tests call, and what to do where one is missing. */

import {
  type ChildProcess,
  execFile,
  type SpawnOptions,
  spawn,
  spawnSync,
} from 'node:child_process';

/** Debian's packages, where they are not called as the program is. */
const packages: Record<string, string> = {
  go: 'golang-go',
  gofmt: 'golang-go',
  cc: 'gcc libnbd-dev',
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-storage-daemon': 'qemu-system-common',
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

/** The NBD clients of one system: this machine's, or those of a release of Debian in a folder. */
export interface Programs {
  /** An environment in which a shell finds them first. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs a program to its end. @returns what it wrote to stdout.
   *  @throws with its words when it fails; names the Debian package when it is missing. */
  run(command: string, ...args: string[]): Promise<string>;
  /** Starts a program. */
  start(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** The Python that has libnbd's module. */
  readonly pythonPath: string;
  /** Runs a script in it. */
  python(script: string, ...args: string[]): Promise<string>;
  /** Runs a script in python3-libnbd with `h` connected to `uri`. */
  nbdsh(uri: string, script: string): Promise<string>;
  /** fio's nbd engine with verification: it fails when a block is not what was written. */
  fio(uri: string, ...args: string[]): Promise<string>;
}

/** @param folder where the programs are; without it they are this machine's.
 *  @param absent what to do where one is missing. */
export function programsIn(
  folder?: string,
  absent: (program: string) => string = missing,
): Programs {
  const { PATH = '' } = process.env;
  const env = { ...process.env, PATH: folder === undefined ? PATH : `${folder}:${PATH}` };
  // This machine's own, since another python3 in PATH has not got the module.
  const python = folder === undefined ? '/usr/bin/python3' : `${folder}/python3`;

  function run(command: string, ...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(command, args, { maxBuffer: 64 << 20, env }, (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        if (error.code === 'ENOENT') return reject(new Error(absent(command)));
        return reject(new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`));
      });
    });
  }

  return {
    env,
    run,
    start: (command, args, options = {}) => spawn(command, args, { ...options, env }),
    pythonPath: python,
    python: (script, ...args) => run(python, '-c', script, ...args),
    nbdsh(uri, script) {
      const head = `import nbd, os\nuri=${JSON.stringify(uri)}\nh=nbd.NBD()\nh.set_uri_allow_local_file(True)\nh.connect_uri(uri)\n`;
      return run(python, '-c', head + script);
    },
    fio: (uri, ...args) => run('fio', ...fioWords(uri, ...args)),
  };
}

/** What fio is told: its nbd engine, and to read and compare what it wrote. */
export function fioWords(uri: string, ...args: readonly string[]): string[] {
  const words = ['--name=t', '--ioengine=nbd', `--uri=${uri}`, '--verify=crc32c'];
  // The state would be a file in the checkout.
  return [...words, '--verify_fatal=1', '--verify_state_save=0', ...args];
}
