/** Which exports there are, in which order, and which is the default, as devices come and go. */

import { Option, OptionReply } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { type Controlled, serveControlled } from './controlled.ts';
import { infoData, option } from './form-client.ts';
import { clientFlags, WireClient } from './wire-client.ts';

/** The names that LIST tells, and the name of the default export; undefined: there is none. */
async function shown({ path }: Controlled): Promise<[string[], string | undefined]> {
  const client = await WireClient.connect(path);
  await client.read(18);
  client.send(clientFlags());
  const listed = (await option(client, Option.LIST)).slice(0, -1);
  const infos = await option(client, Option.INFO, infoData('', [1]));
  client.socket.destroy();
  const name = infos.find(({ data }) => data.length > 2 && data.readUInt16BE(0) === 1);
  return [
    listed.map(({ data }) => data.toString('utf8', 4, 4 + data.readUInt32BE(0))),
    infos.at(-1)?.type === OptionReply.ACK ? name?.data.toString('utf8', 2) : undefined,
  ];
}

test('exports are in the order of their numbers, of which the lowest free one is taken', async () => {
  const served = await serveControlled('nr_devices=12', 'size=1', 'hw_queue_depth=1');
  /** By number; undefined: it is free. */
  const numbers: (string | undefined)[] = Array.from({ length: 12 }, (_, n) => `nullb${n}`);
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let step = 0; step < 60; step++) {
    const name = `nullb${random(12)}`;
    const at = numbers.indexOf(name);
    await served.set(name, { power: at < 0 });
    if (at >= 0) numbers[at] = undefined;
    else numbers[numbers.indexOf(undefined)] = name;
    const names = numbers.filter((one) => one !== undefined);
    expect(await shown(served)).toEqual([names, names[0]]);
  }
});
