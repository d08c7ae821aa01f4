/** How long power off, removal and shutdown wait: for requests in flight, and for clients that do not leave.
 *  Time is by hand, so the limits are exact. */

import { Command, NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { requestBytes } from '../wire/wire-client.ts';
import { type HandClient, serveByHand } from './by-hand.ts';

const { READ, WRITE, WRITE_ZEROES, FLUSH } = Command;
const MS = 1e6;
/** Longer than anybody waits. */
const NEVER = 'completion_nsec=600000000000';
const OFF = new Map([['power', '0']]);

function write(at: number, length = 4096): Uint8Array[] {
  return [requestBytes({ command: WRITE, offset: at * 4096, length }), Buffer.alloc(length, 7)];
}

type Served = Awaited<ReturnType<typeof serveByHand>>;

/** How long `work` takes, in ms. */
async function time({ loop }: Served, work: Promise<unknown>): Promise<number> {
  const begun = loop.now;
  await loop.until(work);
  return (loop.now - begun) / MS;
}

const ends = [
  ['power=0', (it: Served) => it.tree.patch('nullb0', OFF)],
  ['removal', (it: Served) => it.tree.remove('nullb0')],
  ['shutdown', (it: Served) => it.server.stop()],
] as const;

describe.each(ends)('%s', (_, end) => {
  test('gives a client that is idle and does not close 100 ms', async () => {
    const it = await serveByHand();
    const client = it.connect();
    client.send(...write(0));
    it.loop.pass(MS);
    expect(client.errors()).toEqual([0]);
    const took = await time(it, end(it));
    expect(took).toBeGreaterThanOrEqual(100);
    expect(took).toBeLessThan(102);
    expect([client.ended, client.gone]).toEqual([true, true]);
  });

  test('lets what is in flight end, and then gives it 100 ms', async () => {
    const it = await serveByHand('irqmode=2', 'completion_nsec=2000000000');
    const client = it.connect();
    client.send(...write(0), ...write(1));
    const took = await time(it, end(it));
    expect(took).toBeGreaterThanOrEqual(2100);
    expect(took).toBeLessThan(2105);
    expect(client.errors()).toEqual([0, 0]);
  });

  test('lets a write come in that has begun', async () => {
    const it = await serveByHand();
    const client = it.connect();
    const [header = Buffer.alloc(0), data = Buffer.alloc(0)] = write(0, 200_000);
    client.send(header, data.subarray(0, 100_000));
    const ended: Promise<unknown> = end(it);
    await it.loop.goOn();
    it.loop.pass(1000 * MS);
    expect([client.ended, client.gone]).toEqual([false, false]);
    client.send(data.subarray(100_000));
    it.loop.pass(MS);
    expect([client.ended, client.errors()]).toEqual([true, [0]]);
    expect(await time(it, ended)).toBeLessThan(102);
  });

  test('ends a client that stops in the middle after 5 s', async () => {
    const it = await serveByHand();
    const client = it.connect();
    client.send(requestBytes({ command: WRITE, length: 4096 }).subarray(0, 10));
    const took = await time(it, end(it));
    expect(took).toBeGreaterThanOrEqual(5000);
    expect(took).toBeLessThan(5002);
  });

  test('says nothing behind its goodbye, whatever the client still asks', async () => {
    const it = await serveByHand();
    const client = it.connect();
    const ended: Promise<unknown> = end(it);
    await it.loop.goOn();
    it.loop.pass(MS);
    expect(client.ended).toBe(true);
    client.send(...write(0)); // HandClient throws where something is written
    await it.loop.until(ended);
  });
});

test.each(ends.slice(0, 2))('%s waits for requests as long as they take', async (_, end) => {
  const it = await serveByHand('irqmode=2', 'completion_nsec=12000000000');
  const client = it.connect();
  client.send(...write(0), ...write(1));
  const took = await time(it, end(it));
  expect(took).toBeGreaterThanOrEqual(12_100);
  expect(took).toBeLessThan(12_105);
  expect(client.errors()).toEqual([0, 0]);
});

test('a removal by force is done when one that waits already has been hurried', async () => {
  const it = await serveByHand('irqmode=2', NEVER);
  const client = it.connect();
  client.send(...write(0));
  it.loop.pass(MS);
  const waiting = it.tree.remove('nullb0');
  await it.loop.goOn();
  it.loop.pass(5 * MS);
  await it.loop.until(Promise.all([waiting, it.tree.remove('nullb0', true)]));
  expect(it.devices.get('nullb0')).toBeUndefined();
  await expect(it.tree.remove('nullb0', true)).rejects.toThrow("there is no device 'nullb0'");
});

const nothing = (): void => {};

/** What power off would wait for, each for ever or nearly. */
const hangs: readonly (readonly [string, readonly string[], (client: HandClient) => void])[] = [
  ['a timer of 600 s', ['irqmode=2', NEVER], nothing],
  ['a timer of 600 s and few tags', ['irqmode=2', NEVER, 'hw_queue_depth=1'], nothing],
  ['long zeroes in slices', ['irqmode=2', NEVER, 'hw_queue_depth=2', 'max_sectors=8'], nothing],
  [
    'polled requests',
    ['irqmode=2', NEVER, 'poll_queues=1'],
    (client) => client.send(requestBytes({ command: READ, length: 512 })),
  ],
  ['a handler that may wait', ['irqmode=2', NEVER, 'memory_backed=0', 'blocking=1'], nothing],
  ['requests that are lost', ['timeout=1,100,0,-1'], nothing],
  ['requests that come again for ever', ['requeue=1,100,0,-1', 'irqmode=2', NEVER], nothing],
  ['a bandwidth limit', ['mbps=1', 'irqmode=2', NEVER], nothing],
  ['shared tags', ['shared_tags=1', 'irqmode=2', NEVER, 'hw_queue_depth=2'], nothing],
  ['a cache that is flushed', ['cache_size=8', 'irqmode=2', NEVER], nothing],
  ['parts of blocks', ['irqmode=2', NEVER, 'bs=4096'], (client) => client.send(...write(9, 700))],
  ['a client that does not read', ['irqmode=1'], (client) => (client.deaf = true)],
];

describe.each(hangs)('by force, with %s', (_, words, prepare) => {
  /** Two clients with a bit of everything in flight. */
  async function inFlight(): Promise<Served & { clients: HandClient[] }> {
    const it = await serveByHand(...words);
    const clients = [it.connect(), it.connect()];
    for (const client of clients) {
      prepare(client);
      for (let at = 0; at < 6; at++) client.send(...write(at));
      client.send(requestBytes({ command: WRITE_ZEROES, offset: 0, length: 32 << 20 }));
      client.send(requestBytes({ command: FLUSH }));
    }
    it.loop.pass(3 * MS);
    return { ...it, clients };
  }

  test.each([
    ['power=0', (it: Served) => it.tree.patch('nullb0', OFF, true)],
    ['removal', (it: Served) => it.tree.remove('nullb0', true)],
  ])('%s is done within 100 ms, and nothing is left', async (_name, end) => {
    const it = await inFlight();
    const set = it.devices.get('nullb0')?.disk?.queue.tagSet;
    expect(await time(it, end(it))).toBeLessThanOrEqual(100);
    expect(set?.inFlight).toBe(0);
    expect(set?.counts.every((count) => count === 0)).toBe(true);
    expect(it.devices.get('nullb0')?.powered ?? false).toBe(false);
    // ESHUTDOWN: it came too late to be begun.
    const expected = new Set<number>([0, NbdError.EIO, NbdError.ESHUTDOWN]);
    for (const client of it.clients) {
      expect(client.errors().filter((error) => !expected.has(error))).toEqual([]);
    }
  });

  test.each(['under way', 'about to begin'])('ends a power off that is %s', async (when) => {
    const it = await inFlight();
    const waiting = it.tree.patch('nullb0', OFF);
    if (when === 'under way') {
      await it.loop.goOn();
      it.loop.pass(5 * MS);
    }
    const begun = it.loop.now;
    await it.loop.until(Promise.all([waiting, it.tree.remove('nullb0', true)]));
    expect((it.loop.now - begun) / MS).toBeLessThanOrEqual(100);
    expect(it.devices.get('nullb0')).toBeUndefined();
  });
});

test('force fails what is in flight with ENODEV, also of the control side', async () => {
  const it = await serveByHand('cache_size=1', 'irqmode=2', NEVER);
  const flush = it.tree.flush('nullb0');
  const client = it.connect();
  client.send(...write(0));
  it.loop.pass(MS);
  const off = it.tree.patch('nullb0', OFF, true);
  await expect(it.loop.until(flush)).rejects.toThrow(/nullb0: flush: the device is off/);
  await it.loop.until(off);
  expect(client.errors()).toEqual([NbdError.EIO]);
  await it.loop.until(it.tree.patch('nullb0', new Map([['power', '1']])));
  expect(it.devices.get('nullb0')?.powered).toBe(true);
});

test.each([
  'requeue=1,100,0,-1',
  'requeue=1,100,0,-1 irqmode=1',
  'requeue=1,100,0,-1 memory_backed=0',
  'requeue=1,100,0,-1 memory_backed=0 blocking=1',
  'requeue=1,100,0,-1 poll_queues=1',
  'requeue=1,100,0,-1 hw_queue_depth=1',
  'requeue=1,100,0,-1 shared_tags=1',
  'requeue=1,100,0,-1 cache_size=8',
  'requeue=1,100,0,-1 bs=4096',
  'mbps=1',
  'mbps=1 memory_backed=0',
])('force fails with ENODEV also what %s holds up', async (words) => {
  const it = await serveByHand(...words.split(' '));
  const client = it.connect();
  client.send(...write(0, 65_536));
  it.loop.pass(3 * MS);
  client.errors(); // the bandwidth limit lets the first one pass
  for (let at = 1; at < 6; at++) client.send(...write(at));
  it.loop.pass(3 * MS);
  expect(client.errors()).toEqual([]);
  await it.loop.until(it.tree.patch('nullb0', OFF, true));
  const ended = client.errors();
  expect(ended).toContain(NbdError.EIO);
  const others = ended.filter((one) => one !== NbdError.EIO && one !== NbdError.ESHUTDOWN);
  expect(others).toEqual([]);
});

test('force is for power off alone', async () => {
  const { tree } = await serveByHand();
  for (const texts of [{ power: '1' }, { size: '8' }, {}]) {
    const patched = tree.patch('nullb0', new Map(Object.entries(texts)), true);
    await expect(patched).rejects.toThrow('nullb0: force is only for power=0');
  }
  await tree.patch('nullb0', OFF, true);
  await tree.patch('nullb0', OFF, true); // it is off already
});

test('other devices on the same tags are left alone', async () => {
  const it = await serveByHand(
    ...['shared_tags=1', 'hw_queue_depth=2', 'irqmode=2', 'completion_nsec=2000000000'],
  );
  await it.loop.until(it.tree.create('other', new Map([['power', '1']])));
  const [ours, others] = [it.connect(), it.connect('other')];
  others.send(...write(0), ...write(1));
  ours.send(...write(0), ...write(1)); // there is no tag for them
  it.loop.pass(MS);
  expect(await time(it, it.tree.remove('nullb0', true))).toBeLessThanOrEqual(100);
  it.loop.pass(2000 * MS);
  expect([ours.errors(), others.errors()]).toEqual([
    [NbdError.EIO, NbdError.ESHUTDOWN],
    [0, 0],
  ]);
});

describe('whoever waits is told what for', () => {
  test('after 5 s, once, and how to force it', async () => {
    const it = await serveByHand('irqmode=2', 'completion_nsec=9000000000');
    const client = it.connect();
    client.send(...write(0), requestBytes({ command: WRITE_ZEROES, length: 512 }));
    it.loop.pass(1000 * MS);
    expect(it.devices.inFlight()).toMatch(
      /^nullb0: 2 requests in flight \(1 write, 1 write-zeroes\), the oldest for 1\.0 s$/,
    );
    await it.loop.until(it.tree.patch('nullb0', OFF));
    expect(it.warned).toEqual([
      'nullb0: power off waits for 2 requests in flight (1 write, 1 write-zeroes), the oldest for 6.0 s;' +
        ' to fail what is in flight: tnull set nullb0 power=0 --force',
    ]);
    expect(it.devices.inFlight()).toBe('');
  });

  test('not where it is done sooner', async () => {
    const it = await serveByHand('irqmode=2', 'completion_nsec=3000000000');
    it.connect().send(...write(0));
    await it.loop.until(it.tree.patch('nullb0', OFF));
    it.loop.pass(9000 * MS);
    expect(it.warned).toEqual([]);
  });
});
