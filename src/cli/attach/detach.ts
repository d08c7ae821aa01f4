/** The end of an attached device: nobody uses it, nbd-client disconnects it, the kernel frees it.
 *  Source: test-api.md section 3. */

import { StartError } from '../usage-error.ts';
import type { Machine, Patience } from './machine.ts';
import { isServed, partitionsOf, serversOf, stateOf, useOf } from './nodes.ts';
import { checkTime, clientText, missing } from './programs.ts';
import { serves } from './way.ts';

const LOOK_MS = 20;
/** udev and others look at a device that has just changed. */
const PASSING_MS = 3000;
/** When nobody waits for what is done. */
const ALONE_SECONDS = 10;

/** Somebody uses the device. */
export class InUse extends StartError {
  /** Such as `mounted at /mnt`. */
  readonly use: string;

  constructor(node: string, use: string) {
    super(`${node} is ${use}: end that first, or detach it all the same with --force`);
    this.use = use;
  }
}

/** The node of a device that is attached. @param uris of the device. @throws StartError: it is not. */
export function attachedNode(machine: Machine, name: string, uris: readonly string[]): string {
  const found = serversOf(machine).find(({ words }) => serves(words, name, uris));
  if (found !== undefined) return found.node;
  throw new StartError(`${name} is not attached by an nbd-client that is seen here`);
}

/** Done when the device is free. @param force also while it is used.
 *  @throws InUse, StartError in one line. */
export async function detach(
  machine: Machine,
  node: string,
  force: boolean,
  patience: Patience,
): Promise<void> {
  const state = stateOf(machine, node);
  if (state === 'absent') throw new StartError(`there is no ${node}`);
  if (state === 'free') throw new StartError(`${node} is not attached`);
  const refusal = machine.refusal(node);
  if (refusal === 'EACCES' || refusal === 'EPERM') {
    throw new StartError(`${node}: ${refusal}: detaching takes root (sudo)`);
  }
  if (!force) await checkUnused(machine, node, patience);
  const { status, output } = await machine.run('nbd-client', ['-d', node], patience);
  if (status === 'missing') throw missing('nbd-client', 'nbd-client');
  if (status === 'late') checkTime(machine, patience, `${node} was not disconnected`, true);
  // It may have ended by itself just before.
  if (status !== 0 && stateOf(machine, node) !== 'free' && useOf(machine, node) === undefined) {
    throw new StartError(`${node}: ${clientText(output)}`);
  }
  await untilFree(machine, node, patience);
  await dropPartitions(machine, node, patience);
}

async function checkUnused(machine: Machine, node: string, { ended }: Patience): Promise<void> {
  const until = machine.now() + PASSING_MS;
  for (;;) {
    const use = useOf(machine, node);
    if (use === undefined) return;
    if (!use.isPassing || machine.now() >= until || ended.aborted) {
      throw new InUse(node, use.text);
    }
    await machine.wait(LOOK_MS);
  }
}

async function untilFree(machine: Machine, node: string, patience: Patience): Promise<void> {
  for (;;) {
    const use = useOf(machine, node);
    if (stateOf(machine, node) !== 'taken') return;
    const what = `${node} is disconnected, but not free yet`;
    // A file system on it lasts until it is unmounted.
    const lasts = use?.isPassing === false && !isServed(machine, node);
    checkTime(machine, patience, use === undefined ? what : `${what}: it is ${use.text}`, lasts);
    await machine.wait(LOOK_MS);
  }
}

/** Otherwise the kernel keeps them until somebody opens the device. Without a size nothing is read. */
async function dropPartitions(machine: Machine, node: string, patience: Patience): Promise<void> {
  if (partitionsOf(machine, node).length === 0) return;
  await machine.run('blockdev', ['--rereadpt', node], patience);
}

/** Disconnects what was attached in vain: whatever comes of it, there is another error to tell. */
export async function disconnect(machine: Machine, node: string): Promise<void> {
  const until = machine.now() + ALONE_SECONDS * 1000;
  const patience = { until, seconds: ALONE_SECONDS, ended: new AbortController().signal };
  // An nbd-client that was ended too late goes on in the background, and connects yet.
  while (isServed(machine, node) || stateOf(machine, node) === 'taken') {
    if (stateOf(machine, node) === 'taken') {
      await machine.run('nbd-client', ['-d', node], patience);
    }
    if (!isServed(machine, node) || machine.now() >= until) break;
    await machine.wait(LOOK_MS);
  }
  const isOver = (): boolean =>
    stateOf(machine, node) !== 'taken' || useOf(machine, node)?.isPassing === false;
  while (!isOver() && machine.now() < until) await machine.wait(LOOK_MS);
  await dropPartitions(machine, node, patience);
}
