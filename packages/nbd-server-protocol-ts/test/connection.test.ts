/** A server and a client of the package agree on an export and do all that the protocol has, in each form. */

import { describe, expect, test } from 'vitest';
import {
  ClientConnection,
  NbdError,
  type RangeRequest,
  ServerConnection,
  type ServerExport,
  type SignalLike,
  TransmissionFlag,
} from '../src/index.ts';
import { forms, memoryDisk, pair, wishesFor } from './connection-pair.ts';

/** Does `work` while bytes are carried. */
async function during<T>({ settle }: { settle(): Promise<void> }, work: Promise<T>): Promise<T> {
  void settle();
  return await work;
}

describe.each(forms)('in the form %s', (form) => {
  const connect = (more: object = {}) => {
    const disk = memoryDisk();
    const options = { ...disk.options, fastZeroes: true, ...more };
    return { disk, ...pair(options, wishesFor(form)) };
  };

  test('both sides say what they agreed on', async () => {
    const { server, client, settle } = connect();
    await settle();
    expect(await server.ready).toMatchObject({
      ...{ export: { name: 'disk' }, replyForm: form, secure: false },
      contexts: form === 'simple' ? [] : ['base:allocation'],
    });
    expect(await client.ready).toEqual({
      ...{ size: 65_536, exactSize: 65_536n, readOnly: false, description: 'a disk' },
      flags: { simple: 0xd6d, structured: 0xded, extended: 0x1ded }[form],
      blockSize: { minimum: 1, preferred: 4096, maximumPayload: 32 << 20 },
      contexts: form === 'simple' ? [] : ['base:allocation'],
      replyForm: form,
    });
  });

  test('all commands', async () => {
    const { disk, client, settle, ends } = connect();
    const all = Promise.all([
      client.write(100, Buffer.from('hello')),
      client.read(99, 7),
      client.write(0, Buffer.from('x'), { fua: true }),
      client.trim(1000, 10, { fua: true }),
      client.zeroes(1002, 4, { noHole: true, fast: true }),
      client.zeroes(1004, 1, { fua: true }),
      client.cache(0, 65_536),
      client.flush(),
      client.read(1000, 10, { dontFragment: form !== 'simple' }),
    ]);
    const answers = await during({ settle }, all);
    expect(Buffer.from(answers[1]).toString()).toBe('\0hello\0');
    expect(Buffer.from(answers[8]).toString('hex')).toBe('ffff00000000ffffffff');
    expect(disk.asked).toEqual([
      ...['write 100+5', 'read 99+7', 'write! 0+1', 'flush', 'trim 1000+10', 'flush'],
      ...['zeroes noHole fast 1002+4', 'zeroes 1004+1', 'flush', 'cache 0+65536', 'flush'],
      'read 1000+10',
    ]);
    await during({ settle }, client.disconnect());
    await settle();
    expect(ends).toEqual({ client: 'end', server: 'end' });
  });

  test('block status, where there are chunks to tell it', async () => {
    const { disk, client, settle } = connect();
    if (form === 'simple') {
      const status = during({ settle }, client.blockStatus(0, 4096));
      return await expect(status).rejects.toThrow('no metadata context was selected');
    }
    const whole = await during({ settle }, client.blockStatus(0, 4096));
    expect(whole).toEqual(
      new Map([
        [
          'base:allocation',
          [
            { length: 512, flags: 0, flagsHigh: 0 },
            { length: 65_024, flags: 3, flagsHigh: 0 },
          ],
        ],
      ]),
    );
    const one = await during({ settle }, client.blockStatus(65_000, 100, { single: true }));
    expect(one.get('base:allocation')).toEqual([{ length: 100, flags: 0, flagsHigh: 0 }]);
    expect(disk.asked).toEqual([
      'status of base:allocation 0+4096',
      'status of base:allocation single 65000+100',
    ]);
  });

  test('what is not possible fails by name, with and without asking the server', async () => {
    for (const strict of [true, false]) {
      const disk = memoryDisk();
      const exports = [{ ...disk.disk, blockSize: { minimum: 512, maximumPayload: 8192 } }];
      const options = { ...disk.options, exports };
      const { client, settle } = pair(options, { ...wishesFor(form), strict });
      const codes = async (...all: Promise<unknown>[]): Promise<unknown[]> => {
        void settle();
        const results = await Promise.allSettled(all);
        return results.map((one) => (one.status === 'rejected' ? one.reason.code : 'done'));
      };
      const refused = await codes(
        ...[client.read(65_536, 512), client.read(0, 0), client.read(0, 8704)],
        ...[client.write(65_024, new Uint8Array(1024)), client.write(0, new Uint8Array(8704))],
        ...[client.write(1, new Uint8Array(512)), client.trim(512, 65_536)],
        ...[client.zeroes(512, 65_536), client.zeroes(0, 512, { fast: true })],
        ...[client.cache(0, 65_537), client.read(2n ** 64n - 512n, 512), client.trim(0, 0)],
      );
      expect(refused).toEqual([
        ...['EINVAL', 'EINVAL', 'EOVERFLOW', 'ENOSPC', 'EINVAL', 'EINVAL', 'EINVAL'],
        ...['ENOSPC', 'EINVAL', 'EINVAL', 'EINVAL', 'done'],
      ]);
      expect(disk.asked).toEqual([]);
      expect(await codes(client.read(0, 512))).toEqual(['done']);
    }
  });

  test('a handler says how a request fails', async () => {
    const told: unknown[] = [];
    const thrown: Record<number, unknown> = {
      0: new NbdError('ENOSPC', 'full'),
      1: Object.assign(new Error('read only'), { code: 'EROFS' }),
      2: Object.assign(new Error('no space'), { code: 'ENOSPC' }),
      3: new TypeError('a secret'),
      4: 'a text',
      5: Object.assign(new Error('gone'), { code: 'ENOENT' }),
    };
    const { client, settle } = connect({
      read: async ({ offset }: { offset: number }) => {
        throw thrown[offset];
      },
      onError: (error: unknown) => told.push(error),
    });
    void settle();
    const all = Object.keys(thrown).map((at) => client.read(Number(at), 1));
    const texts = (await Promise.allSettled(all)).map((one) =>
      one.status === 'rejected' ? `${one.reason.code}: ${one.reason.message}` : 'done',
    );
    const text = form === 'simple' ? 'ENOSPC' : 'full';
    expect(texts).toEqual([
      `ENOSPC: ${text}`,
      ...['EPERM: EPERM', 'ENOSPC: ENOSPC', 'EIO: EIO', 'EIO: EIO', 'EIO: EIO'],
    ]);
    expect(told).toEqual(Object.values(thrown).slice(1));
  });

  test('what a handler may not return is EIO, and told', async () => {
    const told: string[] = [];
    const results = [new Uint8Array(3), [new Uint8Array(3), { zeros: 2 }], [{ zeros: -1 }], []];
    const { client, settle } = connect({
      read: ({ offset }: { offset: number }) => results[offset],
      blockStatus: () => [{ length: 0, flags: 0 }],
      onError: (error: Error) => told.push(error.message),
    });
    const all = results.map((_, at) => client.read(at, 4));
    void settle();
    for (const one of all) await expect(one).rejects.toMatchObject({ code: 'EIO', errno: 5 });
    expect(told).toEqual(results.map(() => 'read did not return the 4 bytes that were asked for'));
    if (form === 'simple') return;
    await expect(during({ settle }, client.blockStatus(0, 1))).rejects.toThrow('EIO');
    expect(told.at(-1)).toContain('blockStatus');
  });

  test('parts and zeros are one read', async () => {
    const parts = [{ zeros: 3 }, Buffer.from('abc'), new Uint8Array(0), { zeros: 1 }];
    const { client, settle } = connect({ read: () => parts });
    for (const dontFragment of [false, form !== 'simple']) {
      const data = await during({ settle }, client.read(5, 7, { dontFragment }));
      expect(Buffer.from(data).toString()).toBe('\0\0\0abc\0');
    }
  });

  test('requests end in any order, and a handler sees when the connection is over', async () => {
    const signals: SignalLike[] = [];
    const ends: (() => void)[] = [];
    let late: { signal: SignalLike } | undefined;
    const { client, server, settle } = connect({
      read: (request: { offset: number; signal: SignalLike }) => {
        late = request;
        if (request.offset < 3) signals.push(request.signal);
        return new Promise((resolve) => ends.push(() => resolve(new Uint8Array(1))));
      },
    });
    const order: number[] = [];
    const reads = [0, 1, 2].map((at) => client.read(at, 1).then(() => order.push(at)));
    const never = client.read(3, 1);
    await settle();
    for (const at of [2, 0, 1]) ends[at]?.();
    await during({ settle }, Promise.all(reads));
    expect(order).toEqual([2, 0, 1]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    server.abort();
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    expect(late?.signal.aborted).toBe(true); // also for who looks at it for the first time
    ends[3]?.();
    client.abort();
    await expect(never).rejects.toMatchObject({ name: 'NbdProtocolError', code: 'NBD_CLOSED' });
    await expect(client.read(0, 1)).rejects.toMatchObject({ code: 'NBD_CLOSED' });
  });
});

test('several exports, by name, and what of them is offered', async () => {
  type Filled = ServerExport & { readonly fill: number };
  const two: readonly Filled[] = [
    { name: 'one', size: 10, fill: 1, readOnly: true, rotational: true },
    { name: 'two', size: 20, fill: 2 },
  ];
  const options = {
    exports: () => two,
    read: ({ export: { fill }, length }: RangeRequest<Filled>) => new Uint8Array(length).fill(fill),
    write: () => {},
  };
  for (const [exportName, fill, size] of [
    ['', 1, 10],
    ['one', 1, 10],
    ['two', 2, 20],
  ] as const) {
    const { client, settle } = pair<Filled>(options, { exportName });
    const [told, data] = await during({ settle }, Promise.all([client.ready, client.read(0, 2)]));
    expect([...data]).toEqual([fill, fill]);
    expect(told.size).toBe(size);
    const { HAS_FLAGS, SEND_DF, READ_ONLY, ROTATIONAL } = TransmissionFlag;
    const more = fill === 1 ? READ_ONLY | ROTATIONAL : 0;
    expect(told.flags).toBe(HAS_FLAGS | SEND_DF | more);
    const write = during({ settle }, client.write(0, data));
    if (fill === 1) await expect(write).rejects.toMatchObject({ code: 'EPERM' });
    else await write;
    await expect(client.trim(0, 1)).rejects.toThrow(
      fill === 1 ? 'read-only' : 'TRIM was not offered',
    );
    await expect(client.blockStatus(0, 1)).rejects.toThrow('no metadata context');
  }
  const { client, settle, ends } = pair<Filled>(options, { exportName: 'three' });
  await settle();
  await expect(client.ready).rejects.toMatchObject({
    ...{ code: 'NBD_REFUSED', refusal: 'ERR_UNKNOWN' },
    message: expect.stringContaining("there is no export 'three'"),
  });
  expect(ends).toEqual({ client: expect.stringContaining('ERR_UNKNOWN'), server: 'end' });
});

test('several contexts, one of 64 bits, are asked for one by one', async () => {
  const disk = memoryDisk();
  const wide = { name: 'x-test:wide', needs64Bits: true };
  const exports = [{ ...disk.disk, contexts: ['base:allocation', wide] }];
  const { client, settle } = pair(
    {
      ...disk.options,
      exports,
      blockStatus: async ({ context, offset }) => {
        if (context === wide.name) return [{ length: 1 << 20, flags: offset, flagsHigh: 7 }];
        return [
          { length: 1, flags: 2 },
          { length: 5, flags: 2 },
        ];
      },
    },
    { contexts: ['base:allocation', 'x-test:wide', 'x-test:unknown'] },
  );
  const status = await during({ settle }, client.blockStatus(9, 100));
  expect(Object.fromEntries(status)).toEqual({
    'base:allocation': [{ length: 6, flags: 2, flagsHigh: 0 }],
    'x-test:wide': [{ length: 65_527, flags: 9, flagsHigh: 7 }],
  });
});

test('block status of some of the selected contexts', async () => {
  const disk = memoryDisk();
  const exports = [{ ...disk.disk, contexts: ['base:allocation', 'x:other'] }];
  const wishes = { contexts: ['base:allocation', 'x:other'] };
  const { client, settle } = pair({ ...disk.options, exports }, wishes);
  const contexts = ['x:other'];
  const status = await during({ settle }, client.blockStatus(0, 512, { contexts }));
  expect([...status.keys()]).toEqual(contexts);
  expect(disk.asked).toEqual(['status of x:other 0+512']);
  for (const unknown of [[], ['y:none'], ['x:other', 'x:other']]) {
    const refused = client.blockStatus(0, 512, { contexts: unknown });
    await expect(refused).rejects.toMatchObject({ code: 'EINVAL' });
  }
  const compact = pair({ ...disk.options, exports }, { ...wishes, extendedHeaders: false });
  const refused = during(compact, compact.client.blockStatus(0, 512, { contexts }));
  await expect(refused).rejects.toThrow('cannot be asked for alone');
});

test('a client that knows EXPORT_NAME alone', async () => {
  const disk = memoryDisk();
  const { client, settle } = pair(disk.options, { exportByName: true, exportName: 'disk' });
  await settle();
  expect(await client.ready).toMatchObject({ size: 65_536, replyForm: 'structured' });
  expect(await during({ settle }, client.read(0, 3))).toEqual(new Uint8Array(3));
});

test.each([
  ['compact', false, ['trim 0+4294901760', 'trim 4294901760+4294901760', 'trim 8589803520+131072']],
  ['extended', true, ['trim 0+8589934592']],
])('a range above 32 bits in %s headers', async (_, extendedHeaders, due) => {
  const asked: string[] = [];
  const { client, settle } = pair(
    {
      exports: [{ name: 'large', size: 2 ** 34 }],
      read: () => new Uint8Array(0),
      write: () => {},
      trim: ({ offset, length }) => void asked.push(`trim ${offset}+${length}`),
      blockStatus: ({ offset, length }) => {
        asked.push(`status ${offset}+${length}`);
        return [{ length: 2 ** 34, flags: 3 }];
      },
    },
    { extendedHeaders },
  );
  await during({ settle }, client.trim(0, 2 ** 33));
  expect(asked.splice(0)).toEqual(due);
  const [extent] =
    (await during({ settle }, client.blockStatus(0, 2 ** 34))).get('base:allocation') ?? [];
  expect(extent?.length).toBe(extendedHeaders ? 2 ** 34 : 4_294_901_760);
  expect(asked).toEqual([`status 0+${extendedHeaders ? 2 ** 34 : 4_294_901_760}`]);
});

test('a client that does not ask for block sizes does not keep to them', async () => {
  const disk = memoryDisk();
  const exports = [{ ...disk.disk, blockSize: { minimum: 512 } }];
  for (const askBlockSize of [true, false]) {
    const { client, settle } = pair({ ...disk.options, exports }, { askBlockSize });
    const reading = during({ settle }, client.read(1, 1)).catch((error) => error.message);
    // The server refuses it: it cannot serve parts of blocks.
    expect(await reading).toBe('offset and length must be multiples of 512');
    expect((await client.ready).blockSize.minimum).toBe(askBlockSize ? 512 : 1);
  }
});

test('exports that cannot be served are told at once', () => {
  const read = () => new Uint8Array(0);
  const make = (one: Partial<ServerExport>) => () =>
    pair({ read, exports: [{ name: 'x', size: 1, ...one }] });
  expect(make({ size: 2 ** 53 })).toThrow(RangeError);
  expect(make({ size: -1 })).toThrow("export 'x': a size of -1 bytes");
  expect(make({ blockSize: { minimum: 3 } })).toThrow('block sizes of 3, 4096 and 33554432');
  expect(make({ blockSize: { minimum: 65_536 }, size: 131_072 })).not.toThrow();
  expect(make({ blockSize: { minimum: 512 }, size: 1000 })).toThrow('not a multiple of 512 bytes');
  expect(make({ name: 'a\0' })).toThrow('a name that holds a NUL');
  expect(make({ description: 'x'.repeat(4097) })).toThrow('a description that is too long');
  expect(make({ contexts: ['nothing'] })).toThrow(
    "a context 'nothing', which is not a namespace:leaf",
  );
  expect(make({ blockSize: { maximumPayload: 2 ** 40 } })).toThrow('block sizes');
});

test('limits that let nothing through are told at once', () => {
  for (const limits of [{ requests: 0 }, { bytes: 0 }, { requests: Number.NaN }]) {
    expect(() => pair({ ...memoryDisk().options, limits })).toThrow(RangeError);
  }
});

test('what a write brings is a Uint8Array, however it came', async () => {
  for (const cut of [Number.POSITIVE_INFINITY, 5]) {
    const kinds: unknown[] = [];
    const { client, settle } = pair(
      {
        ...memoryDisk().options,
        write: (_, data) => void kinds.push(Object.getPrototypeOf(data) === Uint8Array.prototype),
      },
      {},
      { cut: () => cut },
    );
    await during({ settle }, client.write(0, Buffer.from('a buffer')));
    expect(kinds).toEqual([true]);
  }
});

test('what is no offset or length is a bug of the caller', async () => {
  const { client, settle } = pair(memoryDisk().options, { extendedHeaders: false });
  await settle();
  await expect(client.read(-1, 1)).rejects.toThrow(RangeError);
  await expect(client.read(0.5, 1)).rejects.toThrow('an offset of 0.5');
  await expect(client.read(2n ** 64n, 1)).rejects.toThrow(RangeError);
  await expect(client.trim(0, -1)).rejects.toThrow('a length of -1');
  await expect(client.read(0, 2 ** 32)).rejects.toThrow('more than one request can ask for');
});

test("members of an export and the runtime's own signal are known to its type", async () => {
  const disk = { name: 'disk', size: 4, fill: 7 };
  const signals: AbortSignal[] = [];
  const server = new ServerConnection({
    exports: [disk],
    read: ({ export: { fill }, length, signal }) => {
      signals.push(signal);
      return new Uint8Array(length).fill(fill);
    },
    ...{ send: (bytes) => client.receive(bytes), close: () => {} },
  });
  const client: ClientConnection = new ClientConnection({ send: (bytes) => server.receive(bytes) });
  expect(await client.read(0, 2)).toEqual(Uint8Array.of(7, 7));
  await client.disconnect();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});
