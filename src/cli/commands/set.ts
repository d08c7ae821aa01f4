/** `tnull set NAME attribute=value ...`: all of them or none. */

import { tnullCommand } from '../../config/shell-word.ts';
import { type Body, type ControlClient, devicePath, Refused } from '../control-client.ts';
import { attributeBody, type ControlCommand, FORCE, forceQuery } from '../control-command.ts';

const ON = attributeBody(['power=1']);
const OFF = attributeBody(['power=0']);

/** Switches the device off and on around the change. A refused change leaves it on, as it was. */
async function cycle(client: ControlClient, url: string, force: string, words: readonly string[]) {
  const body = attributeBody([...words, 'power=1']);
  await client.text('PATCH', `${url}${force}`, OFF);
  try {
    return await client.text('PATCH', url, body);
  } catch (error) {
    await client.text('PATCH', url, ON);
    throw error;
  }
}

/** An attribute that needs power 0 gets a hint how to set it. */
async function change(client: ControlClient, url: string, body: Body, again: string) {
  try {
    return await client.text('PATCH', url, body);
  } catch (error) {
    const isBusy = error instanceof Refused && error.errno === 'EBUSY';
    if (!isBusy || !error.message.includes('while power is 0')) throw error;
    throw new Refused(`${error.message}; off and on in one command: ${again}`, error.errno);
  }
}

export const set: ControlCommand = {
  operands: 'NAME attribute=value ...',
  summary: 'set attributes, all or none; power is last',
  more:
    'As in tnull set nullb0 size=1024 power=1, badblocks=+8-15 or timeout_inject/times=1. Attributes may be\n' +
    'flags, and have the names of parameters, too: --bs 4096 is blocksize=4096.\n' +
    'power=0 waits for requests in flight; with --force they fail.\n',
  least: 2,
  most: Number.POSITIVE_INFINITY,
  takesAttributes: true,
  flags: [FORCE, ['--cycle', 'switch power off before and on behind']],
  async run({ client, flags, operands: [name = '', ...words], json, say }) {
    const url = devicePath(name);
    const force = forceQuery(flags);
    const again = tnullCommand(['set', name, ...words], ['--cycle']);
    const device =
      flags['cycle'] === true
        ? await cycle(client, url, force, words)
        : await change(client, `${url}${force}`, attributeBody(words), again);
    if (json) say(device);
  },
};
