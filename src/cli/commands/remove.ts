/** `tnull remove NAME`: a device and its data. */

import { devicePath } from '../control-client.ts';
import { type ControlCommand, FORCE, forceQuery } from '../control-command.ts';

export const remove: ControlCommand = {
  operands: 'NAME',
  summary: 'remove a device, powered or not, and its data',
  least: 1,
  most: 1,
  more: 'It waits for requests in flight; with --force they fail.\n',
  flags: [FORCE],
  async run({ client, flags, operands: [name = ''] }) {
    await client.text('DELETE', `${devicePath(name)}${forceQuery(flags)}`);
  },
};
