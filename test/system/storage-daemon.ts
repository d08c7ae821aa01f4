/** qemu-storage-daemon, told what to do over QMP on its standard input. */

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Programs } from './programs.ts';

export interface StorageDaemon {
  /** One command of QMP. @returns what it returned. @throws its error. */
  ask(command: string, args?: object): Promise<unknown>;
  /** Starts a job and waits for its end; one that would wait to be completed is told to.
   *  @throws the job's error. */
  job(
    command: string,
    args: { readonly 'job-id': string; readonly [name: string]: unknown },
  ): Promise<void>;
  /** Serves the node at `socket`. @returns its URI. */
  serve(node: string, socket: string): Promise<string>;
  quit(): Promise<void>;
}

interface Said {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly data?: { readonly id?: string; readonly status?: string };
}

export async function startStorageDaemon(
  programs: Programs,
  ...blockdevs: readonly object[]
): Promise<StorageDaemon> {
  const nodes = blockdevs.flatMap((one) => ['--blockdev', JSON.stringify(one)]);
  const monitor = ['--chardev', 'stdio,id=m', '--monitor', 'chardev=m'];
  // Fails with the package's name where it is missing.
  await programs.run('qemu-storage-daemon', '--version');
  const child = programs.start('qemu-storage-daemon', [...nodes, ...monitor], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes to qemu-storage-daemon');
  let stderr = '';
  child.stderr?.on('data', (data) => (stderr += data));

  const listeners = new Set<(said: Said) => void>();
  // JSON.parse gives any; a field that is not what Said says fails the test that looks at it.
  createInterface({ input: stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said;
    for (const one of listeners) one(said);
  });
  const exited = once(child, 'exit');

  /** The first line that `wanted` is true of. @throws when the daemon ends before. */
  async function heard(wanted: (said: Said) => boolean): Promise<Said> {
    let listener = (_said: Said): void => {};
    const found = new Promise<Said>((resolve) => {
      listener = (said) => {
        if (wanted(said)) resolve(said);
      };
      listeners.add(listener);
    });
    const ended = exited.then(() => {
      throw new Error(`qemu-storage-daemon ended: ${stderr}`);
    });
    return await Promise.race([found, ended]).finally(() => listeners.delete(listener));
  }

  let last = 0;
  async function ask(execute: string, args: object = {}): Promise<unknown> {
    const id = ++last;
    const answer = heard((said) => said.id === id);
    stdin?.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    const said = await answer;
    if (said.error !== undefined) throw new Error(`${execute}: ${said.error.desc}`);
    return said.return;
  }

  await heard((said) => 'QMP' in said);
  await ask('qmp_capabilities');

  return {
    ask,
    async job(command, args) {
      const id = args['job-id'];
      const is = (status: string) => (said: Said) =>
        said.event === 'JOB_STATUS_CHANGE' && said.data?.id === id && said.data.status === status;
      const ready = heard(is('ready')).then(() => ask('job-complete', { id }));
      ready.catch(() => {}); // Most jobs are never ready: it fails when the daemon ends.
      const concluded = heard(is('concluded'));
      await ask(command, { ...args, 'auto-dismiss': false });
      await concluded;
      // One entry for each job, as QMP says.
      const jobs = (await ask('query-jobs')) as { id: string; error?: string }[];
      const error = jobs.find((one) => one.id === id)?.error;
      if (error !== undefined) throw new Error(`${command}: ${error}`);
      await ask('job-dismiss', { id });
    },
    async serve(node, socket) {
      await ask('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } });
      await ask('block-export-add', {
        type: 'nbd',
        id: 'e',
        'node-name': node,
        name: 'e',
        writable: true,
      });
      return `nbd+unix:///e?socket=${socket}`;
    },
    async quit() {
      await ask('quit');
      await exited;
      listeners.clear();
    },
  };
}

/** A node that is the export `name` at `socket`. */
export function nbdNode(node: string, socket: string, name: string, options: object = {}): object {
  const server = { type: 'unix', path: socket };
  return { driver: 'nbd', 'node-name': node, export: name, server, ...options };
}
