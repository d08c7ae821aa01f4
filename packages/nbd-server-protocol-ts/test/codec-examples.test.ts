/** The examples of the codec: the server is used, and attacked, by the client half. */

import { describe, expect, test } from 'vitest';
import { connectClient } from '../../../test/socket-client.ts';
import { readSector } from '../examples/codec-client.ts';
import { server } from '../examples/codec-server.ts';
import {
  Command,
  disconnectBytes,
  encodeExtendedRequestAt,
  encodeOption,
  encodeRequestAt,
  NbdError,
  Option,
  RequestHeader,
} from '../src/index.ts';
import { forms, wishesFor } from './connection-pair.ts';
import { FIXED_NO_ZEROES, infoData } from './haggle.ts';
import { listening } from './listening.ts';
import { exchange } from './raw-bytes.ts';

const { path } = listening(server);
const SIZE = 64 << 20;

describe.each(forms)('the server in the form %s', (form) => {
  test('keeps what was written', async () => {
    const { nbd: client } = connectClient({ path }, wishesFor(form));
    expect(await client.ready).toMatchObject({ size: SIZE, replyForm: form });
    const written = Buffer.alloc(100_000, 'abcdefg');
    await client.write(12_345, written);
    const data = await client.read(12_344, written.length + 2);
    expect(Buffer.from(data.subarray(1, -1)).equals(written)).toBe(true);
    await client.disconnect();
  });

  test('refuses what is beyond the end, of no length, or unknown, and goes on', async () => {
    const { nbd: client } = connectClient({ path }, { ...wishesFor(form), strict: false });
    const refused = await Promise.allSettled([
      client.read(SIZE, 1),
      client.read(SIZE - 1, 2),
      client.read(0, 0),
      client.write(SIZE - 1, Buffer.from('xx')),
      client.trim(0, 512),
      client.blockStatus(0, 512),
      client.write(0, Buffer.alloc((32 << 20) + 1)),
    ]);
    for (const one of refused) expect(one).toMatchObject({ reason: { code: 'EINVAL' } });
    expect(await client.read(SIZE - 1, 1)).toHaveLength(1);
    await client.disconnect();
  });

  test('disc-in-flight: sixteen reads and DISC bring sixteen replies and the end', async () => {
    const { nbd: client, socket, closed } = connectClient({ path }, wishesFor(form));
    await client.ready;
    const reads = Array.from({ length: 16 }, (_, i) => client.read(i * 512, 512));
    await new Promise(setImmediate); // they are sent
    socket.write(disconnectBytes(form === 'extended'));
    for (const data of await Promise.all(reads)) expect(data).toHaveLength(512);
    await closed;
  });
});

describe('an attack', () => {
  const ask = encodeOption(Option.EXPORT_NAME, Buffer.from('disk'));
  const extended = encodeOption(Option.EXTENDED_HEADERS, new Uint8Array(0));
  const go = encodeOption(Option.GO, infoData('disk'));
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  const header = (fields: Partial<RequestHeader>) => Object.assign(new RequestHeader(), fields);

  test('an unknown command is refused', async () => {
    encodeRequestAt(view, 0, header({ command: 0xffff, length: 512 }), 0n);
    const said = await exchange(
      path,
      FIXED_NO_ZEROES,
      ask,
      bytes.slice(0, 28),
      disconnectBytes(false),
    );
    expect(said.subarray(28).readUInt32BE(4)).toBe(NbdError.EINVAL);
  });

  test('garbage instead of a request ends the connection', async () => {
    await exchange(path, FIXED_NO_ZEROES, ask, Buffer.alloc(28, 0xee));
  });

  test('a name that is not there ends the connection', async () => {
    const said = await exchange(
      path,
      FIXED_NO_ZEROES,
      encodeOption(Option.EXPORT_NAME, Buffer.from('x')),
    );
    expect(said.length).toBe(18);
  });

  test('a write of 4 GiB that is never sent ends the connection', async () => {
    encodeRequestAt(view, 0, header({ command: Command.WRITE, length: 2 ** 32 - 1 }), 0n);
    await exchange(path, FIXED_NO_ZEROES, ask, bytes.slice(0, 28));
    const write = header({ command: Command.WRITE, flags: 32 });
    encodeExtendedRequestAt(view, 0, write, 0n, 2n ** 64n - 1n);
    await exchange(path, FIXED_NO_ZEROES, extended, go, bytes.slice());
  });

  test('offset-overflow: offsets at the end of 64 bits are refused', async () => {
    encodeExtendedRequestAt(view, 0, header({ command: Command.READ }), 2n ** 64n - 512n, 512n);
    const disc = new Uint8Array(32);
    encodeExtendedRequestAt(
      new DataView(disc.buffer),
      0,
      header({ command: Command.DISC }),
      0n,
      0n,
    );
    const said = await exchange(path, FIXED_NO_ZEROES, extended, go, bytes.slice(), disc);
    const chunk = said.subarray(-38);
    expect(chunk.readUInt16BE(6)).toBe(0x8001);
    expect(chunk.readBigUInt64BE(16)).toBe(2n ** 64n - 512n);
    expect(chunk.readUInt32BE(32)).toBe(NbdError.EINVAL);
  });

  test('reset-with-replies: a client that goes while replies are on their way hurts nobody', async () => {
    for (let i = 0; i < 10; i++) {
      const { nbd: client, socket } = connectClient({ path });
      await client.ready;
      const reads = Promise.allSettled(Array.from({ length: 8 }, () => client.read(0, 1 << 20)));
      await new Promise(setImmediate); // they are sent
      socket.destroy();
      await reads;
    }
    const { nbd: client } = connectClient({ path });
    expect(await client.read(0, 512)).toHaveLength(512);
    await client.disconnect();
  });
});

test('the client reads what the server has', async () => {
  const { nbd: client } = connectClient({ path });
  await client.write(1000, Buffer.from('hello'));
  const data = await readSector({ path }, 'disk', 999);
  expect(data).toHaveLength(512);
  expect(data.subarray(0, 7).toString()).toBe('\0hello\0');
  await expect(readSector({ path }, 'nothing')).rejects.toThrow('ERR_UNKNOWN');
  await expect(readSector({ path }, 'disk', SIZE)).rejects.toThrow('EINVAL');
  await client.disconnect();
});
