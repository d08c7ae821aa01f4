/** Effects of 64-bit length return at once, long looks at extents take turns, and other clients are
 *  served meanwhile. nbd-protocol.md section 3.2. */

import { Command, CommandFlag, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { FormClient } from './form-client.ts';
import { serve } from './served.ts';

const { READ, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS } = Command;
const { NO_HOLE, FAST_ZERO } = CommandFlag;
const TIB = 2 ** 40;
const MIB = 2 ** 20;
const ALLOCATION = 'base:allocation';

async function two(...words: string[]): Promise<[FormClient, FormClient]> {
  const { path } = await serve(...words);
  const open = (): Promise<FormClient> =>
    FormClient.open(path, { form: 'extended', contexts: [ALLOCATION] });
  return [await open(), await open()];
}

/** How many reads another client gets while `asked` has no reply. */
async function between(client: FormClient, other: FormClient): Promise<number> {
  let reads = 0;
  for (; client.wire.waiting === 0; reads++) await other.read(0, 512);
  return reads;
}

describe('a null device of 1 TiB', () => {
  test.each([
    ['WRITE_ZEROES', WRITE_ZEROES, 0],
    ['WRITE_ZEROES, fast', WRITE_ZEROES, FAST_ZERO],
    ['WRITE_ZEROES, no hole', WRITE_ZEROES, NO_HOLE],
    ['CACHE', CACHE, 0],
    ['BLOCK_STATUS', BLOCK_STATUS, 0],
  ])('%s of 2^40 bytes', async (_, command, flags) => {
    const [client, other] = await two('size=1048576');
    client.send({ command, flags, length: TIB });
    expect(await between(client, other)).toBeLessThan(200);
    const reply = await client.whole({ command, length: TIB });
    expect(reply.error).toBe(0);
    if (command !== BLOCK_STATUS) return;
    expect(reply.statuses.get(ALLOCATION)).toEqual([{ length: TIB, status: 3n }]);
  });

  test('works to its last byte, and not a byte further', async () => {
    const [client] = await two('size=1048576');
    expect(client.size).toBe(TIB);
    expect((await client.read(TIB - 1, 1))[0]).toBe(0);
    const over = { command: READ, offset: TIB - 1, length: 2 };
    expect((await client.ask(over)).error).toBe(NbdError.EINVAL);
    const status = await client.ask({ command: BLOCK_STATUS, offset: TIB - 1, length: 1 });
    expect(status.statuses.get(ALLOCATION)).toEqual([{ length: 1, status: 3n }]);
    for (const length of [TIB, 2 * TIB, 2n ** 63n]) {
      const reply = await client.ask({ command: WRITE_ZEROES, offset: 1, length });
      expect(reply.error).toBe(NbdError.ENOSPC);
    }
  });
});

test('the largest device there is: to its last byte in one effect and one extent', async () => {
  const [client] = await two(`size=${2 ** 33 - 1}`, 'memory_backed=1', 'discard=1');
  const { size } = client;
  expect(size).toBe(2 ** 53 - MIB);
  await client.write(size - 512, Buffer.alloc(512, 5));
  const whole = { command: BLOCK_STATUS, length: size };
  expect((await client.ask(whole)).statuses.get(ALLOCATION)).toEqual([
    { length: size - 512, status: 3n },
    { length: 512, status: 0n },
  ]);
  expect((await client.ask({ command: TRIM, length: size })).error).toBe(0);
  expect((await client.ask(whole)).statuses.get(ALLOCATION)).toEqual([
    { length: size, status: 3n },
  ]);
});

describe('memory of 1 TiB, some of it held', () => {
  test.each([
    ['TRIM', TRIM],
    ['WRITE_ZEROES', WRITE_ZEROES],
  ])('%s of 2^40 bytes takes what is held, and no longer', async (_, command) => {
    const [client, other] = await two('size=1048576', 'memory_backed=1', 'discard=1');
    const places = Array.from({ length: 100 }, (_, at) => at * 2 ** 33 + at * 512);
    for (const at of places) await client.write(at, Buffer.alloc(4096, 1));
    client.send({ command, length: TIB });
    expect(await between(client, other)).toBeLessThan(1000);
    expect((await client.whole({ command, length: TIB })).error).toBe(0);
    for (const at of places) expect((await client.read(at, 1))[0]).toBe(0);
    const found = await client.ask({ command: BLOCK_STATUS, length: TIB });
    expect(found.statuses.get(ALLOCATION)).toEqual([{ length: TIB, status: 3n }]);
  });
});

describe('extents without number', () => {
  /** Every second sector of 16 MiB is held. */
  async function striped(client: FormClient): Promise<void> {
    await client.write(0, Buffer.alloc(16 * MIB, 1));
    const asks = Array.from({ length: 16 * 1024 }, (_, at) => {
      return { command: TRIM, offset: at * 1024, length: 512 };
    });
    for (let at = 0; at < asks.length; at += 64) {
      const some = asks.slice(at, at + 64);
      client.wire.send(Buffer.concat(some.map((ask) => client.bytesOf(ask))));
      for (const ask of some) expect((await client.whole(ask)).error).toBe(0);
    }
  }

  test('looks take turns with other clients, and each is answered', async () => {
    const [client, other] = await two('size=64', 'memory_backed=1', 'discard=1');
    await striped(client);
    const ask = { command: BLOCK_STATUS, length: 16 * MIB };
    const many = 24;
    for (let at = 0; at < many; at++) client.send(ask);
    let reads = 0;
    const served = (async () => {
      for (let at = 0; at < many; at++) {
        const extents = (await client.whole(ask)).statuses.get(ALLOCATION) ?? [];
        expect(extents.length).toBeGreaterThan(1000);
        for (const [index, extent] of extents.slice(0, 100).entries()) {
          expect(extent).toEqual({ length: 512, status: index % 2 === 0 ? 3n : 0n });
        }
      }
    })();
    let done = false;
    served.then(() => {
      done = true;
    });
    for (; !done; reads++) await other.read(512, 512);
    await served;
    expect(reads).toBeGreaterThan(many / 2);
  });

  test('a client that takes no answers gets no more of them, and hurts nobody', async () => {
    const [client, other] = await two('size=64', 'memory_backed=1', 'discard=1');
    await striped(client);
    const before = process.memoryUsage().rss;
    client.wire.socket.pause();
    const ask = client.bytesOf({ command: BLOCK_STATUS, length: 16 * MIB });
    client.wire.send(Buffer.concat(Array.from({ length: 4000 }, () => ask))); // 2 GiB of answers
    for (let at = 0; at < 100; at++) await other.read(512, 512);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB);
    client.wire.reset();
    expect((await other.read(512, 512)).length).toBe(512);
  });

  test('power and disconnects in the middle of a look', async () => {
    const [client, other] = await two('size=64', 'memory_backed=1', 'discard=1');
    await striped(client);
    const ask = client.bytesOf({ command: BLOCK_STATUS, length: 16 * MIB });
    client.wire.send(Buffer.concat(Array.from({ length: 100 }, () => ask)));
    await client.wire.peek(1);
    client.wire.reset();
    expect((await other.read(512, 512)).length).toBe(512);
    const disc = { command: Command.DISC };
    other.send({ command: BLOCK_STATUS, length: 16 * MIB });
    other.send(disc);
    const whole = await other.whole({ command: BLOCK_STATUS, length: 16 * MIB });
    expect(whole.error).toBe(0);
    expect((await other.wire.end()).length).toBe(0);
  });
});
