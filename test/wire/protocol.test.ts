/** The highest form of the protocol that is offered, of all ways in and of one.
 *  Source: nbd-protocol.md sections 2.5, 2.6 and 2.7. */

import { join } from 'node:path';
import {
  encodeContextRequest,
  Option,
  OptionReply,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { FormClient, forms, option } from './form-client.ts';
import { serveWith } from './served.ts';
import { clientFlags, WireClient } from './wire-client.ts';

const { ACK, ERR_UNSUP } = OptionReply;

/** What each option is answered with that asks for more than simple replies. */
async function answers(path: string): Promise<(number | undefined)[]> {
  const last = async (number: number, ...before: number[]): Promise<number | undefined> => {
    const client = await WireClient.connect(path);
    await client.read(18);
    client.send(clientFlags());
    for (const one of before) await option(client, one);
    const contexts = number === Option.SET_META_CONTEXT || number === Option.LIST_META_CONTEXT;
    const request = encodeContextRequest({ exportName: '', queries: ['base:allocation'] });
    const answer = await option(client, number, contexts ? request : undefined);
    client.socket.destroy();
    return answer.at(-1)?.type;
  };
  return [
    await last(Option.STRUCTURED_REPLY),
    await last(Option.EXTENDED_HEADERS),
    await last(Option.LIST_META_CONTEXT),
    await last(Option.SET_META_CONTEXT, Option.STRUCTURED_REPLY),
  ];
}

test.each([
  ['simple', [ERR_UNSUP, ERR_UNSUP, ERR_UNSUP, ERR_UNSUP]],
  ['structured', [ACK, ERR_UNSUP, ACK, ACK]],
  ['extended', [ACK, ACK, ACK, ACK]],
] as const)('--protocol %s', async (protocol, expected) => {
  const { path } = await serveWith({ protocol }, 'size=4', 'memory_backed=1');
  expect(await answers(path)).toEqual(expected);
  // Whatever is lower than that is served as ever.
  for (const form of forms.slice(0, forms.indexOf(protocol) + 1)) {
    const contexts = form === 'simple' ? [] : ['base:allocation'];
    const client = await FormClient.open(path, { form, contexts });
    await client.write(0, Buffer.alloc(512, 3));
    expect((await client.read(0, 512)).equals(Buffer.alloc(512, 3))).toBe(true);
    expect((client.flags & TransmissionFlag.SEND_DF) !== 0).toBe(form !== 'simple');
  }
});

test('what an address says wins over what is said for all', async () => {
  const home = folder();
  const unix = (name: string) => ({ kind: 'unix', path: join(home, name) }) as const;
  const listen = [{ ...unix('simple'), protocol: 'simple' } as const, unix('usual')];
  await serveWith({ listen, protocol: 'structured' }, 'size=4');
  expect(await answers(join(home, 'simple'))).toEqual(Array(4).fill(ERR_UNSUP));
  expect(await answers(join(home, 'usual'))).toEqual([ACK, ERR_UNSUP, ACK, ACK]);
});
