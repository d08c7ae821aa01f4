/** What the kernel tells of its nbd devices: which are there, which are free, who serves and who uses them.
 *  It is read from /sys/block, /proc and /dev, and never from a device, which may not answer. */

import { basename } from 'node:path';
import type { Machine } from './machine.ts';

/** `taken`: somebody serves it, or still has it open although nobody serves it any more. */
export type NodeState = 'absent' | 'free' | 'taken';

const SYS = '/sys/block';

/** @param node `/dev/nbdN`. */
function folderOf(node: string): string {
  return `${SYS}/${basename(node)}`;
}

/** `/dev/nbdN` of `/dev/nbdN` or `nbdN`; undefined: it is none. */
export function nodeOf(text: string): string | undefined {
  const [, number] = /^(?:\/dev\/)?nbd(0|[1-9]\d{0,5})$/.exec(text) ?? [];
  return number === undefined ? undefined : `/dev/nbd${number}`;
}

/** Those that the kernel has, in order of their numbers. */
export function allNodes(machine: Machine): readonly string[] {
  const numberOf = (node: string): number => Number(/\d+$/.exec(node)?.[0]);
  return machine
    .list(SYS)
    .flatMap((name) => nodeOf(name) ?? [])
    .sort((one, other) => numberOf(one) - numberOf(other));
}

export function stateOf(machine: Machine, node: string): NodeState {
  const size = machine.read(`${folderOf(node)}/size`)?.trim();
  if (size === undefined) return 'absent';
  // A device has a pid from its connection on until its last user goes, and a size nearly as long.
  const isServed = machine.read(`${folderOf(node)}/pid`) !== undefined;
  return size === '0' && !isServed ? 'free' : 'taken';
}

/** Whether the kernel takes requests for it. */
export function isReady(machine: Machine, node: string): boolean {
  const folder = folderOf(node);
  return (
    machine.read(`${folder}/pid`) !== undefined && Number(machine.read(`${folder}/size`) ?? 0) > 0
  );
}

/** As the kernel has read them from the device. */
export function partitionsOf(machine: Machine, node: string): readonly string[] {
  const name = basename(node);
  return machine
    .list(folderOf(node))
    .filter((one) => one.startsWith(`${name}p`) && /^\d+$/.test(one.slice(name.length + 1)))
    .sort((one, other) => Number(one.slice(name.length + 1)) - Number(other.slice(name.length + 1)))
    .map((one) => `/dev/${one}`);
}

/** One that serves a device. */
export interface Server {
  readonly node: string;
  /** All words of its command. */
  readonly words: readonly string[];
}

/** Every nbd-client that runs for a device. */
export function serversOf(machine: Machine): readonly Server[] {
  return processes(machine).flatMap((pid) => {
    const words = wordsOf(machine, pid);
    const node = servedBy(words);
    return node === undefined ? [] : [{ node, words }];
  });
}

export function isServed(machine: Machine, node: string): boolean {
  return serversOf(machine).some((one) => one.node === node);
}

function processes(machine: Machine): readonly string[] {
  return machine.list('/proc').filter((name) => /^\d+$/.test(name));
}

function wordsOf(machine: Machine, pid: string): readonly string[] {
  return machine.read(`/proc/${pid}/cmdline`)?.split('\0') ?? [];
}

function servedBy(words: readonly string[]): string | undefined {
  if (!words.some((word) => basename(word) === 'nbd-client')) return undefined;
  return words.find((word) => word.startsWith('/dev/') && nodeOf(word) === word);
}

export interface Use {
  /** Such as `mounted at /mnt`, for a sentence. */
  readonly text: string;
  /** It may end by itself soon: programs look at a device that has changed. */
  readonly isPassing: boolean;
}

/** Who uses a device or its partitions; undefined: nobody. */
export function useOf(machine: Machine, node: string): Use | undefined {
  const nodes = [node, ...partitionsOf(machine, node)];
  const fixed = mountOf(machine, nodes) ?? swapOf(machine, nodes) ?? holderOf(machine, nodes);
  if (fixed !== undefined) return { text: fixed, isPassing: false };
  const open = openerOf(machine, nodes);
  return open === undefined ? undefined : { text: open, isPassing: true };
}

/** Also in mount namespaces other than ours. */
function mountOf(machine: Machine, nodes: readonly string[]): string | undefined {
  const numbers = new Set(nodes.flatMap((node) => numberOf(machine, node) ?? []));
  const seen = new Set<string | undefined>();
  for (const pid of ['self', ...processes(machine)]) {
    const space = machine.link(`/proc/${pid}/ns/mnt`);
    if (pid !== 'self' && seen.has(space)) continue;
    seen.add(space);
    for (const line of machine.read(`/proc/${pid}/mountinfo`)?.split('\n') ?? []) {
      const [, , device = '', , place = ''] = line.split(' ');
      const source = / - \S+ (\S+) /.exec(line)?.[1] ?? '';
      // A file system on several devices has a number of its own.
      if (!numbers.has(device) && !nodes.includes(source)) continue;
      const where = place.replace(/\\(\d{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      return pid === 'self'
        ? `mounted at ${where}`
        : `mounted at ${where} by ${processText(machine, pid)}`;
    }
  }
  return undefined;
}

/** Such as `43:0`. */
function numberOf(machine: Machine, node: string): string | undefined {
  const whole = /^\/dev\/(nbd\d+)/.exec(node)?.[1] ?? '';
  const folder =
    basename(node) === whole ? folderOf(whole) : `${folderOf(whole)}/${basename(node)}`;
  return machine.read(`${folder}/dev`)?.trim();
}

function swapOf(machine: Machine, nodes: readonly string[]): string | undefined {
  const used = machine.read('/proc/swaps')?.split('\n') ?? [];
  const isUsed = used.some((line) => nodes.includes(line.split(/\s/)[0] ?? ''));
  return isUsed ? 'used for swapping' : undefined;
}

/** Such as a volume of LVM. */
function holderOf(machine: Machine, [whole = '', ...parts]: readonly string[]): string | undefined {
  const folders = [folderOf(whole), ...parts.map((one) => `${folderOf(whole)}/${basename(one)}`)];
  const holder = folders.flatMap((folder) => machine.list(`${folder}/holders`))[0];
  return holder === undefined ? undefined : `used by /dev/${holder}`;
}

function openerOf(machine: Machine, nodes: readonly string[]): string | undefined {
  for (const pid of processes(machine)) {
    const folder = `/proc/${pid}/fd`;
    const isOpen = machine
      .list(folder)
      .some((fd) => nodes.includes(machine.link(`${folder}/${fd}`) ?? ''));
    if (isOpen && servedBy(wordsOf(machine, pid)) === undefined) {
      return `open in ${processText(machine, pid)}`;
    }
  }
  return undefined;
}

function processText(machine: Machine, pid: string): string {
  const name = machine.read(`/proc/${pid}/comm`)?.trim() ?? 'a process';
  return `${name} (process ${pid})`;
}
