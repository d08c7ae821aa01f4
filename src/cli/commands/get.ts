/** `tnull get NAME [ATTRIBUTE]`: all attributes, or the bytes of one. */

import { attributeName } from '../attribute-words.ts';
import { attributePath, devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { table } from '../table.ts';

type Device = Readonly<Record<string, string | number>>;

/** A value on one line: bad blocks may have several ranges. */
function cell(value: string | number): string {
  return String(value).trimEnd().replaceAll('\n', ', ');
}

export const get: ControlCommand = {
  operands: 'NAME [ATTRIBUTE]',
  summary: 'show all attributes, or the text of one',
  more: 'An attribute has the name of its parameter, too: bs is blocksize, timeout is timeout_inject.\n',
  least: 1,
  most: 2,
  async run({ client, operands: [name = '', word], json, say }) {
    const url = devicePath(name);
    const attribute = word === undefined ? undefined : attributeName(word);
    if (attribute !== undefined && !json) {
      return say(await client.text('GET', attributePath(name, attribute)));
    }
    const device = await client.json<Device>('GET', url);
    if (attribute === undefined) {
      const rows = Object.entries(device).map(([key, value]) => [key, cell(value)]);
      return say(json ? jsonLine(device) : table(['ATTRIBUTE', 'VALUE'], rows));
    }
    const value = device[attribute];
    // The daemon refuses an attribute that does not exist or cannot be read.
    if (value === undefined) await client.text('GET', attributePath(name, attribute));
    say(jsonLine(value));
  },
};
