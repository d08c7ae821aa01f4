/** `tnull create NAME [attribute=value ...] [--power-on]`: a device. */

import { devicePath } from '../control-client.ts';
import { attributeBody, type ControlCommand } from '../control-command.ts';

export const create: ControlCommand = {
  operands: 'NAME [attribute=value ...]',
  summary: 'make a device, powered off',
  more: 'Either all of it is done or nothing. Names of attributes: tnull get NAME.\n',
  least: 1,
  most: Number.POSITIVE_INFINITY,
  flags: [['--power-on', 'and power it on, last of all']],
  async run({ client, operands: [name = '', ...words], flags, json, say }) {
    const power = flags['powerOn'] === true ? ['power=1'] : [];
    const body = attributeBody([...words, ...power]);
    const device = await client.text('PUT', devicePath(name), body);
    if (json) say(device);
  },
};
