/** A device of a daemon as /dev/nbdN: a free node, nbd-client, the size, the partitions.
 *  Source: test-api.md section 3.
 *
 *  nbd-client runs with the older of its two interfaces to the kernel (-nonetlink): there its process stays
 *  with the device, and frees it when the connections break. With the other one a device whose server died
 *  would stay taken. It has no time limit (-timeout): a disk may be as slow as a test wants it, and a server
 *  that died is known by its sockets. */

import { StartError } from '../usage-error.ts';
import { disconnect } from './detach.ts';
import type { Machine, Patience } from './machine.ts';
import {
  allNodes,
  isReady,
  isServed,
  partitionsOf,
  type Server,
  serversOf,
  stateOf,
  useOf,
} from './nodes.ts';
import { checkTime, clientText, missing } from './programs.ts';
import { serves, type Way } from './way.ts';

export interface Wanted {
  /** Of the device, which is that of its export. */
  readonly name: string;
  readonly way: Way;
  /** Of all ways to it. */
  readonly uris: readonly string[];
  readonly blockBytes: number;
  readonly connections: number;
  /** `/dev/nbdN`; undefined: any free one. */
  readonly node: string | undefined;
}

export interface Attached {
  /** `/dev/nbdN`. */
  readonly node: string;
  readonly partitions: readonly string[];
  /** Partitions that the kernel knows and /dev does not. */
  readonly nodeless: readonly string[];
}

const LOOK_MS = 10;
const SCAN_MS = 50;
const NODES_MS = 5000;

/** @throws StartError in one line: nothing is attached. */
export async function attach(
  machine: Machine,
  wanted: Wanted,
  patience: Patience,
): Promise<Attached> {
  const nodes = allNodes(machine);
  if (nodes.length === 0) throw new StartError(noDriver(machine));
  const node = await alone(machine, patience, () => connectAny(machine, wanted, nodes, patience));
  try {
    await scan(machine, node, patience);
    const partitions = partitionsOf(machine, node);
    return { node, partitions, nodeless: await nodelessOf(machine, partitions, patience) };
  } catch (error) {
    await disconnect(machine, node);
    throw error;
  }
}

function noDriver(machine: Machine): string {
  return machine.exists('/sys/block')
    ? 'there is no /dev/nbd0: load the driver as root with: modprobe nbd'
    : 'there is no /sys/block here, where Linux shows its devices';
}

/** nbd-client cuts off the client of a device that it finds taken: one attach at a time looks for a free one. */
async function alone<T>(machine: Machine, patience: Patience, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const free = await machine.lock();
    if (free !== undefined) return await work().finally(free);
    checkTime(machine, patience, 'another attach is under way, and did not end');
    await machine.wait(SCAN_MS);
  }
}

async function connectAny(
  machine: Machine,
  wanted: Wanted,
  nodes: readonly string[],
  patience: Patience,
): Promise<string> {
  const servers = serversOf(machine);
  const before = servers.find(({ words }) => serves(words, wanted.name, wanted.uris));
  if (before !== undefined) {
    throw new StartError(`${wanted.name} is already attached at ${before.node}`);
  }
  if (wanted.node !== undefined) {
    checkNode(machine, wanted.node, nodes, servers);
    if (await connect(machine, wanted, wanted.node, patience)) return wanted.node;
    throw new StartError(`${wanted.node} was taken by another program`);
  }
  const free = nodes.filter((node) => stateOf(machine, node) === 'free');
  for (const node of free) {
    if (machine.refusal(node) === 'ENOENT') continue;
    checkNode(machine, node, nodes, servers);
    if (await connect(machine, wanted, node, patience)) return node;
  }
  if (free.length > 0) throw new StartError(`${absent(free[0] ?? '')}`);
  throw new StartError(
    `no free device: all ${nodes.length} of ${nodes[0]} to ${nodes.at(-1)} are in use (more: modprobe nbd nbds_max=N)`,
  );
}

/** Of a container, which has only the devices that it was given. */
function absent(node: string): string {
  return `the kernel has ${node}, but it is not in /dev here (a container needs --device ${node})`;
}

/** @throws StartError: it cannot be attached to. */
function checkNode(
  machine: Machine,
  node: string,
  nodes: readonly string[],
  servers: readonly Server[],
): void {
  switch (stateOf(machine, node)) {
    case 'absent':
      throw new StartError(
        `there is no ${node}: the driver has ${nodes[0]} to ${nodes.at(-1)} (more: modprobe nbd nbds_max=N)`,
      );
    case 'taken': {
      const words = servers.find((one) => one.node === node)?.words.filter(Boolean);
      if (words !== undefined) {
        throw new StartError(`${node} is already attached, by: ${words.join(' ')}`);
      }
      const use = useOf(machine, node)?.text;
      throw new StartError(
        `${node} is ${use === undefined ? 'already attached' : `not free: it is ${use}`}`,
      );
    }
  }
  const refusal = machine.refusal(node);
  if (refusal === undefined) return;
  if (refusal === 'ENOENT') throw new StartError(absent(node));
  throw new StartError(`${node}: ${refusal}: attaching takes root (sudo)`);
}

/** @returns false: another program was faster. @throws StartError: it cannot be connected. */
async function connect(
  machine: Machine,
  { name, way, blockBytes, connections }: Wanted,
  node: string,
  patience: Patience,
): Promise<boolean> {
  const words = [
    ...[...way.words, node, '-N', name, '-b', String(blockBytes)],
    ...(connections > 1 ? ['-C', String(connections)] : []),
  ];
  let { status, output } = await machine.run('nbd-client', [...words, '-nonetlink'], patience);
  // One that was built without netlink does not know the word either.
  if (status !== 0 && /unrecognized option.*nonetlink/.test(output)) {
    ({ status, output } = await machine.run('nbd-client', words, patience));
  }
  if (status === 'missing') throw missing('nbd-client', 'nbd-client');
  if (status === 'late') {
    await disconnect(machine, node);
    checkTime(machine, patience, `${way.uri}: the server did not answer`, true);
  }
  if (status !== 0) {
    if (stateOf(machine, node) !== 'free') return false;
    throw new StartError(`${node}: ${clientText(output)}`);
  }
  await untilServed(machine, node, patience);
  return true;
}

/** nbd-client goes on in the background before the kernel has begun. */
async function untilServed(machine: Machine, node: string, patience: Patience): Promise<void> {
  while (!isReady(machine, node)) {
    if (!isServed(machine, node)) {
      throw new StartError(`${node}: the connection ended at once (dmesg may say why)`);
    }
    try {
      checkTime(machine, patience, `${node} has no size`);
    } catch (error) {
      await disconnect(machine, node);
      throw error;
    }
    await machine.wait(LOOK_MS);
  }
}

/** Has the kernel read the partition table. It would do so by itself, when somebody opens the device. */
async function scan(machine: Machine, node: string, patience: Patience): Promise<void> {
  for (;;) {
    const { status, output } = await machine.run('blockdev', ['--rereadpt', node], patience);
    // A driver that was loaded with max_part=0 has no partitions.
    if (status === 0 || /Invalid argument/.test(output)) return;
    if (status === 'missing') throw missing('blockdev', 'util-linux');
    if (!isServed(machine, node)) {
      throw new StartError(`${node}: the connection ended while its partition table was read`);
    }
    // Somebody was faster, such as an automounter: the kernel has read the table for it.
    if (/busy/.test(output) && useOf(machine, node)?.isPassing === false) return;
    const slow = 'a disk that is slow on purpose needs a longer --timeout';
    const why = status === 'late' ? slow : output.trim().replaceAll('\n', ' ');
    checkTime(
      machine,
      patience,
      `${node}: its partition table was not read: ${why}`,
      status === 'late',
    );
    await machine.wait(SCAN_MS);
  }
}

/** Waits for the nodes of partitions; @returns those that do not come. */
async function nodelessOf(
  machine: Machine,
  partitions: readonly string[],
  { ended }: Patience,
): Promise<readonly string[]> {
  const until = machine.now() + NODES_MS;
  for (;;) {
    const nodeless = partitions.filter((one) => !machine.exists(one));
    if (nodeless.length === 0 || machine.now() >= until || ended.aborted) return nodeless;
    await machine.wait(LOOK_MS);
  }
}
