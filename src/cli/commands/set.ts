/** `tnull set NAME attribute=value ...`: all of them or none. */

import { devicePath } from '../control-client.ts';
import { attributeBody, type ControlCommand, FORCE, forceQuery } from '../control-command.ts';

export const set: ControlCommand = {
  operands: 'NAME attribute=value ...',
  summary: 'set attributes, all or none; power is last',
  more:
    'As in tnull set nullb0 size=1024 power=1, badblocks=+8-15 or timeout_inject/times=1.\n' +
    'power=0 waits for requests in flight; with --force they fail.\n',
  least: 2,
  most: Number.POSITIVE_INFINITY,
  flags: [FORCE],
  async run({ client, flags, operands: [name = '', ...words], json, say }) {
    const url = `${devicePath(name)}${forceQuery(flags)}`;
    const device = await client.text('PATCH', url, attributeBody(words));
    if (json) say(device);
  },
};
