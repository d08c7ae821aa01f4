/** A `ClientConnection` checks its server's replies against the rules. */

import { describe, expect, test } from 'vitest';
import { ClientConnection, NbdError } from '../src/index.ts';
import { memoryDisk, Pipe, pair } from './connection-pair.ts';

const turn = (): Promise<void> => new Promise(setImmediate);

describe('a server that breaks the rules', () => {
  /** A client with one read of 8 bytes and one status in flight, at a server that sends these bytes. */
  async function meets(reply: (cookies: readonly string[]) => string): Promise<unknown> {
    const disk = memoryDisk();
    const ends: (string | undefined)[] = [];
    const { server, down } = pair(disk.options);
    const up = new Pipe();
    const client = new ClientConnection({
      ...{ extendedHeaders: false, send: up.send },
      close: (error) => ends.push(error?.message),
    });
    for (let i = 0; i < 20; i++) {
      while (!up.empty) server.receive(up.take(1000));
      await turn();
      while (!down.empty) client.receive(down.take(1000));
    }
    await client.ready;
    const failed = Promise.allSettled([client.read(0, 8), client.blockStatus(0, 8)]);
    await turn();
    const requests = Buffer.from(up.take(1000));
    const cookies = [8, 36].map((at) => requests.toString('hex', at, at + 8));
    client.receive(Buffer.from(reply(cookies).replaceAll(' ', ''), 'hex'));
    client.abort();
    const codes = (await failed).map((one) => one.status === 'rejected' && one.reason.code);
    return [ends[0], ...codes];
  }

  const data = (cookie = '', at = 0, bytes = '11223344', done = 0): string =>
    `668e33ef 000${done} 0001 ${cookie} ${(8 + bytes.length / 2).toString(16).padStart(8, '0')}` +
    `${at.toString(16).padStart(16, '0')} ${bytes}`;

  const [closed, malformed] = ['NBD_CLOSED', 'NBD_MALFORMED'];
  test.each([
    ['bytes twice', ([c]: readonly string[]) => data(c) + data(c, 2, '00', 1), 'came twice'],
    ['half a read', ([c]: readonly string[]) => data(c, 4, '11223344', 1), 'did not come whole'],
    ['a read of nothing', ([c]: readonly string[]) => `668e33ef 0001 0000 ${c} 00000000`, 'whole'],
    [
      'a status of nothing',
      ([, c]: readonly string[]) => `668e33ef 0001 0000 ${c} 00000000`,
      'without a status',
    ],
    [
      'a status of a context that was not selected',
      ([, c]: readonly string[]) => `668e33ef 0001 0005 ${c} 0000000c 00000077 00000008 00000000`,
      'not selected',
    ],
    [
      'more extents than may be told',
      ([, c]: readonly string[]) =>
        `668e33ef 0001 0005 ${c} 0080000c 00000001 ${'0000000100000000'.repeat(2 ** 20 + 1)}`,
      'more extents than may be told',
    ],
    ['a reply to nobody', () => data('00000000ffffffff'), 'a reply to no request'],
    ['a cookie of another', ([c]: readonly string[]) => data(`1${c?.slice(1)}`), 'no request'],
    ['garbage', () => 'ee'.repeat(32), 'wrong magic'],
  ])('%s', async (_, reply, reason) => {
    expect(await meets(reply)).toEqual([expect.stringContaining(reason), malformed, malformed]);
  });

  test('an error without a name is EINVAL, with its number; others go on', async () => {
    const reply = ([c]: readonly string[]): string =>
      `668e33ef 0001 8001 ${c} 00000006 000003e7 0000`;
    expect(await meets(reply)).toEqual(['the connection ended', 'EINVAL', closed]);
    expect(new NbdError(999)).toMatchObject({ code: 'EINVAL', errno: 999 });
  });
});
