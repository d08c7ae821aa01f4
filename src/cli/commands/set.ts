/** `tnull set NAME attribute=value ...`: all of them or none. */

import { devicePath } from '../control-client.ts';
import { attributeBody, type ControlCommand } from '../control-command.ts';

export const set: ControlCommand = {
  operands: 'NAME attribute=value ...',
  summary: 'set attributes, all or none; power is last',
  more: 'As in tnull set nullb0 size=1024 power=1, badblocks=+8-15 or timeout_inject/times=1.\n',
  least: 2,
  most: Number.POSITIVE_INFINITY,
  async run({ client, operands: [name = '', ...words], json, say }) {
    const device = await client.text('PATCH', devicePath(name), attributeBody(words));
    if (json) say(`${device}\n`);
  },
};
