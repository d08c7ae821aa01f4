/** `tnull remove NAME`: a device and its data. */

import { devicePath } from '../control-client.ts';
import type { ControlCommand } from '../control-command.ts';

export const remove: ControlCommand = {
  operands: 'NAME',
  summary: 'remove a device, powered or not, and its data',
  least: 1,
  most: 1,
  async run({ client, operands: [name = ''] }) {
    await client.text('DELETE', devicePath(name));
  },
};
