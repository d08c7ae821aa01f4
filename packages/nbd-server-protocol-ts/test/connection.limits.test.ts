/** How a `ServerConnection` holds up a client that asks for too much, or does not read; and how connections
 *  end. */

import { describe, expect, test } from 'vitest';
import {
  ClientConnection,
  Command,
  encodeOption,
  Option,
  RequestHeader,
  requestBytes,
  ServerConnection,
} from '../src/index.ts';
import { memoryDisk, pair } from './connection-pair.ts';
import { concat, said } from './haggle.ts';

const turn = (): Promise<void> => new Promise(setImmediate);

/** Reads that end on command. */
function slowReads() {
  const waiting: (() => void)[] = [];
  const read = ({ length }: { length: number }): Promise<Uint8Array> =>
    new Promise((resolve) => waiting.push(() => resolve(new Uint8Array(length))));
  return { waiting, read };
}

describe('limits', () => {
  test.each([
    ['requests', { requests: 3 }, 1, 3],
    ['bytes', { bytes: 1000 }, 400, 3],
    ['bytes, by one request that is longer alone', { bytes: 10 }, 400, 1],
  ] as const)('of %s', async (_, limits, length, most) => {
    const { waiting, read } = slowReads();
    const events: string[] = [];
    const server = new ServerConnection({
      ...{ ...memoryDisk().options, read, limits },
      send: (bytes) => client.receive(bytes),
      close: () => {},
      pause: () => events.push('pause'),
      resume: () => events.push('resume'),
    });
    const client: ClientConnection = new ClientConnection({
      send: (bytes) => server.receive(bytes),
    });
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await turn();
    };
    const reads = Array.from({ length: 10 }, (_, at) => client.read(at, length));
    for (let done = 0; done < 10; done++) {
      await settle();
      expect(waiting.length).toBe(Math.min(most, 10 - done));
      waiting.shift()?.();
    }
    await settle();
    // All came in one piece, so there is nothing to resume before all of it was taken.
    expect(events).toEqual(['pause', 'resume']);
    expect((await Promise.all(reads)).every((data) => data.length === length)).toBe(true);
  });

  test('a transport that does not heed pause loses nothing', async () => {
    const { waiting, read } = slowReads();
    const options = { ...memoryDisk().options, read, limits: { requests: 2 } };
    const { client, settle } = pair(options, {}, { deaf: true, cut: () => 7 });
    const reads = Array.from({ length: 20 }, () => client.read(0, 1));
    await settle();
    expect(waiting.length).toBe(2);
    for (let done = 0; done < 20; done++) {
      waiting.shift()?.();
      await settle();
    }
    await Promise.all(reads);
  });

  test('a server that answers at once is limited too, and takes all', async () => {
    const pauses: string[] = [];
    const { client, settle } = pair({
      ...memoryDisk().options,
      limits: { requests: 1 },
      pause: () => pauses.push('pause'),
    });
    const reads = Array.from({ length: 50 }, () => client.read(0, 1));
    await settle();
    await Promise.all(reads);
    expect(pauses).toEqual([]);
  });

  test('a client that does not read is held up, and goes on when it does', async () => {
    const drains: (() => void)[] = [];
    const sent: number[] = [];
    const events: string[] = [];
    const disk = memoryDisk();
    const { client, up } = pair(disk.options, { extendedHeaders: false });
    const server = new ServerConnection({
      ...disk.options,
      limits: { requests: 4 },
      send: (bytes) => {
        sent.push(bytes.length);
        client.receive(bytes);
        return sent.length < 6 || new Promise<void>((resolve) => drains.push(resolve));
      },
      close: () => {},
      pause: () => events.push('pause'),
      resume: () => events.push('resume'),
    });
    const carry = (): void => {
      while (!up.empty) server.receive(up.take(Number.POSITIVE_INFINITY));
    };
    for (let i = 0; i < 8; i++) {
      await turn();
      carry();
    }
    await client.ready;
    sent.splice(0, sent.length, 1, 1, 1, 1, 1, 1); // from now on the buffer is full
    const reads = Array.from({ length: 9 }, (_, at) => client.read(at, 1));
    await turn();
    carry();
    // The first four were handed over in one go; their buffer is full, so the others have not begun.
    expect(disk.asked).toHaveLength(4);
    expect(events).toEqual(['pause']);
    drains.shift()?.();
    await turn();
    expect(disk.asked).toHaveLength(8);
    drains.shift()?.();
    await turn();
    drains.shift()?.();
    await turn();
    expect(disk.asked).toHaveLength(9);
    expect(events).toEqual(['pause', 'resume']);
    await Promise.all(reads);
  });

  test('a client that breaks the rules and does not read is not waited for', async () => {
    const ends: unknown[] = [];
    const server = new ServerConnection({
      ...memoryDisk().options,
      send: (bytes) => bytes.length !== 18 && new Promise(() => {}),
      close: (error) => ends.push(error?.message),
    });
    await turn();
    const list = encodeOption(Option.LIST, new Uint8Array(0));
    server.receive(concat([said(list), Buffer.alloc(16)]));
    await turn();
    expect(ends).toEqual(['bytes that are not an option (wrong magic)']);
  });

  test('a client that does not take the greeting is not answered more', async () => {
    const events: string[] = [];
    let go: () => void = () => {};
    const server = new ServerConnection({
      ...memoryDisk().options,
      send: (bytes) => {
        events.push(`${bytes.length} bytes`);
        return bytes.length === 18 && new Promise<void>((resolve) => (go = resolve));
      },
      close: () => {},
      pause: () => events.push('pause'),
      resume: () => events.push('resume'),
    });
    await turn();
    server.receive(said(encodeOption(Option.LIST, new Uint8Array(0))));
    await turn();
    expect(events.splice(0)).toEqual(['18 bytes', 'pause']);
    go();
    await turn();
    expect(events).toEqual(['54 bytes', 'resume']);
  });

  test.each(['throws', 'rejects'])('a transport that %s ends the connection', async (how) => {
    const ends: string[] = [];
    const server = new ServerConnection({
      ...memoryDisk().options,
      send: () => {
        if (how === 'throws') throw new Error('EPIPE');
        return Promise.reject(new Error('EPIPE'));
      },
      close: (error) => ends.push(String(error?.message)),
    });
    await turn();
    expect(ends).toEqual(['EPIPE']);
    await expect(server.ready).rejects.toThrow('EPIPE');
  });

  test('a write above the largest payload is refused, and the next request is in step', async () => {
    const disk = memoryDisk();
    const exports = [{ ...disk.disk, blockSize: { preferred: 512, maximumPayload: 512 } }];
    const { client, settle, ends } = pair({ ...disk.options, exports }, { strict: false });
    const writes = Promise.allSettled([
      client.write(0, new Uint8Array(100_000)),
      client.write(0, Buffer.from('x')),
    ]);
    await settle();
    const [long, short] = await writes;
    expect(long).toMatchObject({ reason: { code: 'EINVAL', message: expect.any(String) } });
    expect(short?.status).toBe('fulfilled');
    expect(ends).toEqual({});
  });

  test('a payload that nobody can mean ends the connection', async () => {
    const disk = memoryDisk();
    const { server, client, settle, ends } = pair(disk.options, { extendedHeaders: false });
    await settle();
    await client.ready;
    const write = Object.assign(new RequestHeader(), {
      command: Command.WRITE,
      length: 2 ** 32 - 1,
    });
    server.receive(requestBytes(write, false));
    await settle();
    expect(ends.server).toBe('a payload of 4294967295 bytes');
  });
});

describe('the end', () => {
  test('DISC waits for what is in flight, and what comes behind it is ignored', async () => {
    const { waiting, read } = slowReads();
    const faults: string[] = [];
    const { client, server, settle, ends } = pair({
      ...memoryDisk().options,
      read,
      onFault: (fault) => faults.push(fault),
    });
    const reads = [client.read(0, 1), client.read(1, 1)];
    await settle();
    server.receive(
      concat([
        requestBytes(Object.assign(new RequestHeader(), { command: Command.DISC }), true),
        Buffer.from('more'),
      ]),
    );
    await settle();
    server.receive(Buffer.from('and more'));
    expect(ends).toEqual({});
    for (const end of waiting) end();
    await settle();
    await Promise.all(reads);
    expect(ends).toEqual({ server: 'end' });
    expect(faults).toEqual(['bytes-behind-disc']);
  });

  test('shutdown answers what is in flight, and drops half a payload', async () => {
    const { waiting, read } = slowReads();
    const faults: string[] = [];
    const onFault = (fault: string): void => void faults.push(fault);
    const { client, server, up, settle, ends } = pair({ ...memoryDisk().options, read, onFault });
    const reading = client.read(0, 1);
    await settle();
    const writing = client.write(0, new Uint8Array(1000)).catch((error) => error.code);
    await turn();
    server.receive(up.take(500));
    const over = server.shutdown();
    await settle();
    expect(ends).toEqual({});
    // That is no fault of a client that has not said goodbye.
    server.receive(up.take(500));
    expect(faults).toEqual([]);
    waiting[0]?.();
    await settle();
    await over;
    expect(await reading).toHaveLength(1);
    expect(ends).toEqual({ server: 'end' });
    client.abort();
    expect(await writing).toBe('NBD_CLOSED');
  });

  test('shutdown during the handshake ends it', async () => {
    const { server, settle, ends } = pair(memoryDisk().options);
    await server.shutdown();
    await settle();
    expect(ends.server).toBe('end');
    await expect(server.ready).rejects.toMatchObject({ code: 'NBD_CLOSED' });
  });

  test('disconnect lets end what was asked for before, also before ready', async () => {
    const { client, settle, ends } = pair(memoryDisk().options);
    const before = client.write(0, Buffer.from('x'));
    const [leaving, again] = [client.disconnect(), client.disconnect()];
    const after = client.read(0, 1).catch((error) => error.code);
    await settle();
    await before;
    await Promise.all([leaving, again]);
    expect(await after).toBe('NBD_CLOSED');
    await settle();
    expect(ends).toEqual({ client: 'end', server: 'end' });
  });

  test('abort gives its reason to all that waits', async () => {
    const { client, settle, ends } = pair(memoryDisk().options);
    const early = client.read(0, 1).catch((error) => error.message);
    client.abort(new Error('enough'));
    client.abort(new Error('again'));
    expect(await early).toBe('enough');
    await expect(client.ready).rejects.toThrow('enough');
    await settle();
    expect(ends).toEqual({ client: 'enough' });
  });

  test('a signal ends the wait for one request, not the request', async () => {
    const { waiting, read } = slowReads();
    const { client, settle } = pair({ ...memoryDisk().options, read });
    const controller = new AbortController();
    const { signal } = controller;
    const [first, second] = [client.read(0, 1, { signal }), client.read(1, 1)];
    await settle();
    controller.abort(new Error('too slow'));
    await expect(first).rejects.toThrow('too slow');
    await expect(client.read(0, 1, { signal })).rejects.toThrow('too slow');
    const early = new ClientConnection({ send: () => {} }).read(0, 1, {
      signal: AbortSignal.abort(new Error('before the handshake')),
    });
    await expect(early).rejects.toThrow('before the handshake');
    expect(waiting).toHaveLength(2);
    let left = false;
    void client.disconnect().then(() => {
      left = true;
    });
    waiting[1]?.();
    await settle();
    expect(await second).toHaveLength(1);
    // The goodbye waits for the answer, although the caller does not.
    expect(left).toBe(false);
    waiting[0]?.();
    await settle();
    expect(left).toBe(true);
  });

  test('a request that is aborted before the handshake has ended is not sent', async () => {
    const disk = memoryDisk();
    const { client, settle } = pair(disk.options);
    const controller = new AbortController();
    const reading = client.read(0, 1, { signal: controller.signal });
    controller.abort(new Error('never mind'));
    await expect(reading).rejects.toThrow('never mind');
    await settle();
    await client.ready;
    expect(disk.asked).toEqual([]);
  });
});
