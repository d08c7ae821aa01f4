/** The servers that can be measured, each as the command that starts it. All hold their data in memory:
 *  their own, or a file on a tmpfs for those that serve files only. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.ts';

const MIB = 1024 * 1024;
const here = dirname(fileURLToPath(import.meta.url));
/** The checkout that this benchmark is part of. */
export const checkout = join(here, '..', '..');

/** Where a server listens, and the size of its device. */
export interface Place {
  readonly socket: string;
  /** On 127.0.0.1; 0 for a server on its socket. */
  readonly port: number;
  readonly mib: number;
  /** For data of servers that serve files. */
  readonly file: string;
}

export interface Kind {
  readonly name: string;
  command(place: Place): readonly [string, ...string[]];
  readonly exportName?: string;
  /** It serves `place.file`. */
  readonly servesFile?: true;
  /** It leaves the foreground, and writes its process id into this file. */
  pidFile?(place: Place): string;
  /** What is to be done once the server runs. */
  prepare?(place: Place): Promise<void>;
}

/** A tnull with `args`, of the built checkout `from`. */
export function tnull(args: readonly string[], name = 'tnull', from = checkout): Kind {
  return {
    name,
    command: ({ socket, port, mib }) => [
      process.execPath,
      join(from, 'bin', 'tnull.js'),
      ...['--log-level', 'error', '--no-control', `size=${mib}`],
      ...(port === 0 ? ['-U', socket] : ['--listen', `nbd://127.0.0.1:${port}`]),
      ...args,
    ],
  };
}

export function nbdkit(plugin: string): Kind {
  return {
    name: 'nbdkit',
    command: ({ socket, port, mib }) => [
      ...(['nbdkit', '-f'] as const),
      ...(port === 0 ? ['-U', socket] : ['-i', '127.0.0.1', '-p', String(port)]),
      ...[plugin, `${mib}M`],
    ],
  };
}

function qemuNbd(image: (place: Place) => readonly string[]): Omit<Kind, 'servesFile'> {
  return {
    name: 'qemu-nbd',
    command: (place) => [
      ...(['qemu-nbd', '--persistent', '--shared=0'] as const),
      ...(place.port === 0 ? ['-k', place.socket] : ['-b', '127.0.0.1', '-p', String(place.port)]),
      ...image(place),
    ],
  };
}

const nbdServer: Kind = {
  name: 'nbd-server',
  exportName: 'disk',
  servesFile: true,
  pidFile: ({ socket }) => `${socket}.pid`,
  command: ({ socket, port, file }) => {
    const where = port === 0 ? [`unixsock=${socket}`] : ['listenaddr=127.0.0.1', `port=${port}`];
    const served = [`exportname=${file}`, 'trim=true', 'flush=true', 'fua=true'];
    const lines = ['[generic]', ...where, 'allowlist=true', '[disk]', ...served, ''];
    writeFileSync(`${socket}.conf`, lines.join('\n'));
    return ['nbd-server', '-C', `${socket}.conf`, '-p', `${socket}.pid`];
  },
};

export function limit(program: string): Kind {
  return {
    name: 'limit',
    command: ({ socket, port, mib }) => [
      program,
      port === 0 ? socket : String(port),
      `${mib * MIB}`,
    ],
  };
}

/** Builds the C program `name` of this folder. @returns its path. @throws ProgramError. */
export async function build(name: string, folder: string): Promise<string> {
  const program = join(folder, name);
  await run('cc', ['-O2', '-o', program, join(here, '..', `${name}.c`)]);
  return program;
}

/** @param limitProgram of `build('limit')`. */
export function memoryKinds(limitProgram: string): Kind[] {
  const file = ({ file }: Place): string[] => ['-f', 'raw', '--discard=unmap', file];
  return [
    tnull(['--memory-backed', '--discard']),
    nbdkit('memory'),
    limit(limitProgram),
    { ...qemuNbd(file), servesFile: true },
    nbdServer,
  ];
}

/** Servers that keep nothing: nbd-server has no such mode, and limit.c always keeps data. */
export function nullKinds(): Kind[] {
  const nothing = ({ mib }: Place): string[] => [
    '--image-opts',
    `driver=null-co,size=${mib}M,read-zeroes=on`,
  ];
  return [tnull([]), nbdkit('null'), qemuNbd(nothing)];
}
