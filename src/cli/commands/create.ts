/** `tnull create NAME [attribute=value ...] [--power-on]`: a device. */

import { resolve } from 'node:path';
import { tnullCommand } from '../../config/shell-word.ts';
import { type ControlClient, devicePath } from '../control-client.ts';
import { attributeBody, type ControlCommand } from '../control-command.ts';
import { exportsOf } from '../exported.ts';

export const create: ControlCommand = {
  operands: 'NAME [attribute=value ...]',
  summary: 'make a device, powered off',
  more:
    'Either all of it is done or nothing. Says where clients find the device. Attributes may be flags, and have the\n' +
    'names of parameters, too: --memory-backed --bs 4096 is memory_backed=1 blocksize=4096. image=FILE: it begins with\n' +
    'the content of a file, which is only read, and has its size unless said.\n',
  takesAttributes: true,
  least: 1,
  most: Number.POSITIVE_INFINITY,
  flags: [['--power-on', 'and power it on, last of all']],
  async run({ client, operands: [name = '', ...words], flags, json, say }) {
    const power = flags['powerOn'] === true ? ['power=1'] : [];
    const body = attributeBody([...words.map(fromHere), ...power]);
    await sayMade(client, await client.text('PUT', devicePath(name), body), json, say);
  },
};

/** The daemon may have another folder. */
function fromHere(word: string): string {
  return word.startsWith('image=') ? `image=${resolve(word.slice('image='.length))}` : word;
}

/** Says where clients find a device that was made. @param device as the daemon told of it. */
export async function sayMade(
  client: ControlClient,
  device: string,
  json: boolean,
  say: (text: string) => void,
): Promise<void> {
  if (json) return say(device);
  const made: { readonly name: string; readonly power: number } = JSON.parse(device);
  if (made.power === 0) {
    return say(`off; power it on with: ${tnullCommand(['set', made.name, 'power=1'])}\n`);
  }
  const uris = (await exportsOf(client)).get(made.name)?.uris ?? [];
  say(uris.map((uri) => `${uri}\n`).join(''));
}
