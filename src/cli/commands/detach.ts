/** `tnull detach NAME|/dev/nbdN`: the end of `tnull attach`. Source: test-api.md section 3. */

import type { DeviceAnswer } from '../../client/made/answers.ts';
import { attachedNode, detach as detachNode } from '../attach/detach.ts';
import { thisMachine } from '../attach/machine.ts';
import { nodeOf } from '../attach/nodes.ts';
import { patienceOf, TIMEOUT } from '../attach/patience.ts';
import { type ControlClient, devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { exportsOf } from '../exported.ts';
import { StartError } from '../usage-error.ts';

export const detach: ControlCommand = {
  operands: 'NAME|/dev/nbdN',
  summary: 'detach a device from the kernel',
  more:
    'It is done when the device is free. One that is mounted or open is not detached, unless with --force: then the\n' +
    'requests of those who use it fail.\n',
  least: 1,
  most: 1,
  flags: [['--force', 'also while it is mounted or open'], TIMEOUT],
  async run({ client, operands: [what = ''], flags, json, say, ended }) {
    const patience = patienceOf(flags, thisMachine, ended);
    const node = what.startsWith('/dev/') ? nodeOf(what) : await nodeOfDevice(client, what);
    if (node === undefined) throw new StartError(`${what} is not a device of the nbd driver`);
    await detachNode(thisMachine, node, flags['force'] === true, patience);
    if (json) say(jsonLine({ device: node }));
  },
};

/** @throws StartError: it is not attached. */
async function nodeOfDevice(client: ControlClient, name: string): Promise<string> {
  const device = await client.json<DeviceAnswer>('GET', devicePath(name));
  const uris = (await exportsOf(client)).get(device.name)?.uris;
  if (uris === undefined) throw new StartError(`${name} is powered off, and so not attached`);
  return attachedNode(thisMachine, device.name, uris);
}
