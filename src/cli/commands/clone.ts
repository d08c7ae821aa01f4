/** `tnull clone NAME[@SNAP] NEW [attribute=value ...] [--power-on]`: a device that begins as another one is or
 *  was. Source: crash.md section 1. */

import { devicePath } from '../control-client.ts';
import { attributeBody, type ControlCommand } from '../control-command.ts';
import { sayMade } from './create.ts';

export const clone: ControlCommand = {
  operands: 'NAME[@SNAP] NEW [attribute=value ...]',
  summary: 'make a device that begins as another one is, or was',
  more:
    'Attributes that are not named are as there, power is 0. The devices share what neither has changed; each may\n' +
    'be removed without the other.\n',
  takesAttributes: true,
  least: 2,
  most: Number.POSITIVE_INFINITY,
  flags: [['--power-on', 'and power it on, last of all']],
  async run({ client, operands: [from = '', name = '', ...words], flags, json, say }) {
    const power = flags['powerOn'] === true ? ['power=1'] : [];
    const body = attributeBody([...words, ...power, `clone=${from}`]);
    await sayMade(client, await client.text('PUT', devicePath(name), body), json, say);
  },
};
