/** A machine with nbd devices, for attach and detach: the files that the kernel shows, nbd-client and blockdev.
 *  Time goes on when somebody waits. test/kernel/attach-command.sh has the real one. */

import type { Machine, Patience, Ran } from '../../src/cli/attach/machine.ts';

export interface Process {
  readonly words: readonly string[];
  readonly comm?: string;
  /** What it has open. */
  readonly open?: readonly string[];
  /** Lines of its mountinfo. */
  readonly mounts?: readonly string[];
}

interface Disk {
  size: number;
  served: boolean;
  partitions: string[];
}

type Program = (words: readonly string[], patience: Patience) => Partial<Ran> | undefined;

const SELF = 77;

export class NbdMachine implements Machine {
  readonly disks = new Map<string, Disk>();
  readonly processes = new Map<number, Process>([[SELF, { words: ['node'], mounts: [] }]]);
  /** Other files by path. */
  readonly files = new Map<string, string>();
  readonly folders = new Map<string, readonly string[]>();
  /** By path, in place of none. */
  readonly refusals = new Map<string, string>();
  /** Called before the programs, which they replace if they answer. */
  readonly before = new Map<string, Program>();
  readonly ran: string[] = [];
  /** What a connected device holds. */
  partitionsOnDisk: string[] = [];
  /** Done at points of time, in ms. */
  readonly later: { readonly at: number; readonly work: () => unknown }[] = [];
  locks = 0;
  #now = 0;
  #isLocked = false;
  #pid = 1000;

  constructor(count: number) {
    for (let n = 0; n < count; n++) {
      this.disks.set(`nbd${n}`, { size: 0, served: false, partitions: [] });
    }
  }

  disk(name: string): Disk {
    const disk = this.disks.get(name);
    if (disk === undefined) throw new Error(`no ${name}`);
    return disk;
  }

  /** As nbd-client does it. */
  serve(name: string, words: readonly string[]): void {
    Object.assign(this.disk(name), { served: true, size: 131072 });
    this.processes.set(this.#pid++, { words, open: [`/dev/${name}`] });
  }

  /** The end of its connection. */
  end(name: string): void {
    for (const [pid, { words }] of this.processes) {
      if (words.includes(`/dev/${name}`)) this.processes.delete(pid);
    }
    const isHeld = [...this.processes.values()].some(({ mounts = [], open = [] }) =>
      [...mounts, ...open].some((text) => text.includes(`/dev/${name}`) || text.includes(' 43:')),
    );
    if (!isHeld) Object.assign(this.disk(name), { served: false, size: 0 });
  }

  list(folder: string): readonly string[] {
    const [, top, name = '', rest] =
      /^\/(sys\/block|proc)(?:\/([^/]+))?(?:\/(.*))?$/.exec(folder) ?? [];
    if (this.folders.has(folder)) return this.folders.get(folder) ?? [];
    if (top === 'sys/block') {
      if (name === '') return ['sda', ...[...this.disks.keys()].toReversed()];
      return rest === undefined ? ['queue', ...(this.disks.get(name)?.partitions ?? [])] : [];
    }
    if (name === '') return ['self', 'cpuinfo', ...Array.from(this.processes.keys(), String)];
    return rest === 'fd' ? [...(this.#process(name)?.open?.keys() ?? [])].map(String) : [];
  }

  read(file: string): string | undefined {
    const [, name = '', rest = ''] = /^\/sys\/block\/([^/]+)\/(.*)$/.exec(file) ?? [];
    const disk = this.disks.get(name);
    if (disk !== undefined) {
      if (rest === 'size') return `${disk.size}\n`;
      if (rest === 'pid') return disk.served ? '1\n' : undefined;
      const [part, ofPart] = rest.split('/');
      const number =
        rest === 'dev' ? 0 : ofPart === 'dev' ? Number(part?.split('p')[1]) : undefined;
      return number === undefined ? undefined : `43:${32 * Number(name.slice(3)) + number}\n`;
    }
    const [, pid = '', what] = /^\/proc\/(\w+)\/(\w+)$/.exec(file) ?? [];
    const process = this.#process(pid);
    if (what === 'cmdline') return process?.words.map((word) => `${word}\0`).join('');
    if (what === 'comm') return process && `${process.comm ?? process.words[0]}\n`;
    if (what === 'mountinfo') return process?.mounts?.join('\n');
    return this.files.get(file);
  }

  link(path: string): string | undefined {
    const [, pid = '', what, fd = ''] = /^\/proc\/(\w+)\/(fd|ns)\/(\w+)$/.exec(path) ?? [];
    if (what === 'ns') return this.#process(pid)?.mounts === undefined ? 'mnt:ours' : `mnt:${pid}`;
    return this.#process(pid)?.open?.[Number(fd)];
  }

  exists(path: string): boolean {
    return this.refusal(path) !== 'ENOENT';
  }

  refusal(path: string): string | undefined {
    return this.refusals.get(path);
  }

  async run(program: string, words: readonly string[], patience: Patience): Promise<Ran> {
    this.ran.push([program, ...words].join(' '));
    const told = this.before.get(program)?.(words, patience);
    if (told !== undefined) return { status: 0, output: '', ...told };
    const name = /\/dev\/(nbd\d+)/.exec(words.join(' '))?.[1] ?? '';
    if (program === 'blockdev') {
      const disk = this.disk(name);
      disk.partitions = disk.size === 0 ? [] : this.partitionsOnDisk.map((n) => `${name}p${n}`);
    } else if (words[0] === '-d') this.end(name);
    else this.serve(name, [program, ...words]);
    return { status: 0, output: 'Negotiation: ..size = 64MB\nbs=512, sz=67108864 bytes\n' };
  }

  async lock(): Promise<(() => void) | undefined> {
    if (this.#isLocked) return undefined;
    this.#isLocked = true;
    this.locks++;
    return () => {
      this.#isLocked = false;
    };
  }

  now(): number {
    return this.#now;
  }

  async wait(ms: number): Promise<void> {
    this.#now += ms;
    for (const one of this.later.filter(({ at }) => at <= this.#now)) {
      this.later.splice(this.later.indexOf(one), 1);
      one.work();
    }
    await new Promise(setImmediate);
  }

  #process(pid: string): Process | undefined {
    return this.processes.get(pid === 'self' ? SELF : Number(pid));
  }
}
