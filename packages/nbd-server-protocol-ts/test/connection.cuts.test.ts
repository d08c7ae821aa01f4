/** One session's bytes, cut at every place and into single bytes: both sides do the same. */

import { describe, expect, test } from 'vitest';
import { ClientConnection, ServerConnection } from '../src/index.ts';
import { forms, memoryDisk, Pipe, pair, wishesFor } from './connection-pair.ts';
import { allCuts, concat } from './haggle.ts';

type Form = (typeof forms)[number];

/** What a client does in the session. @returns the result, in words. */
async function session(client: ClientConnection, form: Form): Promise<string[]> {
  const { size } = await client.ready;
  const all: Promise<unknown>[] = [
    client.write(3, Buffer.from('some bytes'), { fua: true }),
    client.read(0, 40),
    client.zeroes(4, 2),
    client.read(size, 1),
    ...(form === 'simple' ? [] : [client.blockStatus(0, size)]),
    client.flush(),
  ];
  const results = (await Promise.allSettled(all)).map((one) => {
    if (one.status === 'rejected') return `${one.reason.code}: ${one.reason.message}`;
    if (one.value instanceof Uint8Array) return Buffer.from(one.value).toString('hex');
    return one.value instanceof Map ? JSON.stringify([...one.value]) : 'done';
  });
  await client.disconnect();
  return results;
}

/** Pieces of `bytes` that end at `cuts`. */
function* pieces(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const end = Math.min(cut, bytes.length);
    if (end > at) yield bytes.slice(at, end);
    at = end;
  }
}

describe.each(forms)('in the form %s', (form) => {
  const wishes = { ...wishesFor(form), strict: false };

  async function record() {
    const disk = memoryDisk(512);
    const { client, server, settle, up, down } = pair(disk.options, wishes);
    const working = session(client, form);
    const agreed = server.ready.then(() => concat(down.sent).length);
    await settle();
    const told = await working;
    return {
      told,
      agreed: await agreed,
      asked: disk.asked,
      up: concat(up.sent),
      down: concat(down.sent),
    };
  }

  test('a server takes what a client sends', async () => {
    const recorded = await record();
    for (const cuts of allCuts(recorded.up.length)) {
      const disk = memoryDisk(512);
      const down = new Pipe();
      let ended = 'no';
      const server = new ServerConnection({
        ...disk.options,
        send: down.send,
        close: (error) => {
          ended = error?.message ?? 'end';
        },
      });
      for (const piece of pieces(recorded.up, cuts)) server.receive(piece);
      expect(ended).toBe('end');
      expect(disk.asked).toEqual(recorded.asked);
      expect(concat(down.sent).equals(recorded.down)).toBe(true);
    }
  });

  test('a client takes what a server sends', async () => {
    const recorded = await record();
    for (const cuts of allCuts(recorded.down.length)) {
      const up = new Pipe();
      const client = new ClientConnection({ ...wishes, send: up.send });
      const working = session(client, form);
      // No server answers requests that were not sent yet.
      for (const piece of pieces(recorded.down.subarray(0, recorded.agreed), cuts)) {
        client.receive(piece);
      }
      await client.ready;
      await new Promise(setImmediate);
      const behind = cuts.map((cut) => cut - recorded.agreed).filter((cut) => cut > 0);
      for (const piece of pieces(recorded.down.subarray(recorded.agreed), behind)) {
        client.receive(piece);
      }
      expect(await working).toEqual(recorded.told);
      expect(concat(up.sent).equals(recorded.up)).toBe(true);
    }
  });
});
