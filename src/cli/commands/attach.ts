/** `tnull attach NAME [--device NODE] [-C N] [--run COMMAND]`: a device as /dev/nbdN of the kernel.
 *  Source: test-api.md section 3. */

import type { DeviceAnswer } from '../../client/made/answers.ts';
import { shown } from '../../config/errors.ts';
import { parseInteger } from '../../config/numbers.ts';
import { tnullCommand } from '../../config/shell-word.ts';
import { type Attached, attach as attachDevice, type Wanted } from '../attach/attach.ts';
import { detach, InUse } from '../attach/detach.ts';
import { type Machine, type Patience, thisMachine } from '../attach/machine.ts';
import { nodeOf, stateOf } from '../attach/nodes.ts';
import { patienceOf, TIMEOUT } from '../attach/patience.ts';
import { wayTo } from '../attach/way.ts';
import { type ControlClient, devicePath } from '../control-client.ts';
import { type CommandContext, type ControlCommand, jsonLine } from '../control-command.ts';
import { exportsOf } from '../exported.ts';
import { interruptible } from '../interrupt.ts';
import { endCommand, type RunningCommand, runCommand } from '../run-command.ts';
import { StartError, UsageError } from '../usage-error.ts';

const CONNECTIONS_MAX = 64;

export const attach: ControlCommand = {
  operands: 'NAME',
  summary: 'make a device /dev/nbdN; --run: while a command runs',
  more:
    'It takes root, the nbd driver (modprobe nbd) and nbd-client. It is done when the kernel has the size and the\n' +
    'partitions. The command of --run finds the node in $device; its status is that of attach, and the device is\n' +
    'detached however it ends. When the daemon ends or dies, requests fail and /dev/nbdN becomes free.\n',
  least: 1,
  most: 1,
  flags: [
    ['--device <node>', 'this one (/dev/nbdN) instead of the first that is free'],
    ['-C, --connections <count>', `over several connections (1..${CONNECTIONS_MAX}, default 1)`],
    ['--run <command>', 'run a shell command, then detach'],
    TIMEOUT,
  ],
  async run(context) {
    const { client, operands, flags } = context;
    const [name = ''] = operands;
    const said = { node: saidNode(flags), connections: connectionsOf(flags) };
    const command = saidCommand(flags);
    const patience = (ended: AbortSignal): Patience => patienceOf(flags, thisMachine, ended);
    patience(context.ended); // wrong words ask nobody
    const wanted = await wantedOf(client, name, said);
    let running: RunningCommand | undefined;
    let signals = 0;
    const end = (): void => {
      signals++;
      if (running !== undefined && signals === 1) endCommand(running);
      else running?.kill('SIGKILL');
    };
    await interruptible(end, async (ended) => {
      const attached = await attachDevice(thisMachine, wanted, patience(ended));
      sayNodeless(context, attached);
      if (command === undefined) return sayAttached(context, attached);
      try {
        if (ended.aborted) throw new StartError('stopped by a signal');
        const { node } = attached;
        running = runCommand(command, {
          ...{ device: node, TNULL_DEVICE: node, uri: wanted.way.uri },
          ...{ control: client.path, TNULL_CONTROL: client.path },
        });
        context.endsWith(await running.status);
      } finally {
        running = undefined;
        await release(thisMachine, attached.node, context, patience(new AbortController().signal));
      }
    });
  },
};

/** @throws UsageError. */
export function saidNode({ device }: CommandContext['flags']): string | undefined {
  if (typeof device !== 'string') return undefined;
  const node = nodeOf(device);
  if (node === undefined) throw new UsageError(`--device=${shown(device)}: must be /dev/nbdN`);
  return node;
}

function connectionsOf({ connections }: CommandContext['flags']): number {
  if (typeof connections !== 'string') return 1;
  const count = parseInteger(connections);
  if (count !== undefined && count >= 1 && count <= CONNECTIONS_MAX) return count;
  throw new UsageError(`--connections=${shown(connections)}: must be 1..${CONNECTIONS_MAX}`);
}

function saidCommand({ run }: CommandContext['flags']): string | undefined {
  if (run === '') throw new UsageError('--run: the command is empty');
  return typeof run === 'string' ? run : undefined;
}

/** @throws StartError: the daemon has no such device, or not so. */
export async function wantedOf(
  client: ControlClient,
  name: string,
  said: Pick<Wanted, 'node' | 'connections'>,
): Promise<Wanted> {
  const device = await client.json<DeviceAnswer>('GET', devicePath(name));
  const exported = (await exportsOf(client)).get(device.name);
  if (exported === undefined) {
    const on = tnullCommand(['set', name, 'power=1']);
    throw new StartError(`${name} is powered off; power it on with: ${on}`);
  }
  if (said.connections > 1 && !exported.multiConn) {
    throw new StartError(
      `-C ${said.connections}: ${name} offers one connection only (zoned devices do)`,
    );
  }
  const { uris } = exported;
  const way = wayTo(name, uris);
  return { name: device.name, way, uris, blockBytes: device.blocksize, ...said };
}

function sayAttached({ json, say }: CommandContext, { node, partitions }: Attached): void {
  say(json ? jsonLine({ device: node, partitions }) : `${node}\n`);
}

function sayNodeless({ warn }: CommandContext, { nodeless }: Attached): void {
  if (nodeless.length === 0) return;
  warn(`${nodeless.join(', ')}: the kernel has read these partitions, but /dev does not have them`);
}

/** Also what the command left mounted: the device goes in any case. */
async function release(
  machine: Machine,
  node: string,
  { warn }: CommandContext,
  patience: Patience,
): Promise<void> {
  // The daemon may have ended meanwhile.
  if (stateOf(machine, node) === 'free') return;
  await detach(machine, node, false, patience)
    .catch(async (error: unknown) => {
      if (!(error instanceof InUse)) throw error;
      warn(`${node} is ${error.use}, and is detached all the same`);
      await detach(machine, node, true, patience);
    })
    .catch((error: unknown) => {
      // The status is that of the command.
      if (!(error instanceof StartError)) throw error;
      warn(error.message);
    });
}
