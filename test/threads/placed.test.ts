/** Where a client is: here, until a thread can do more for it than carry its bytes. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { DirectOffer } from '../../src/export/direct-offer.ts';
import type { ByteStream } from '../../src/server/byte-stream.ts';
import { PlacedStream } from '../../src/threads/placed-stream.ts';
import { ThreadPool } from '../../src/threads/pool.ts';
import { FakeScheduler } from '../server/fake-scheduler.ts';
import { until } from '../until.ts';
import { serveControlled } from '../wire/controlled.ts';
import { FormClient } from '../wire/form-client.ts';
import { serveWith } from '../wire/served.ts';
import { startTls, usualFiles } from '../wire/tls-client.ts';
import { WireClient } from '../wire/wire-client.ts';

const { READ, WRITE } = Command;
const BLOCK = 4096;
const threads = 2;
const memory = ['size=16', 'memory_backed=1'];

/** How many clients have gone to threads. */
function goings(): () => number {
  const open = vi.spyOn(ThreadPool.prototype, 'open');
  onTestFinished(() => open.mockRestore());
  return () => open.mock.calls.length;
}

async function writeAndRead(client: WireClient, byte: number): Promise<void> {
  const range = { offset: byte * BLOCK, length: BLOCK };
  expect(
    (await client.request({ command: WRITE, ...range }, Buffer.alloc(BLOCK, byte))).error,
  ).toBe(0);
  const data = await client.readData(range.offset, BLOCK);
  expect(data.equals(Buffer.alloc(BLOCK, byte))).toBe(true);
}

describe('the client of a device that', () => {
  test('only moves bytes goes to a thread, with what it has sent meanwhile', async () => {
    const gone = goings();
    const { path } = await serveControlled({ threads }, ...memory);
    const clients = await Promise.all(Array.from({ length: 8 }, () => WireClient.structured(path)));
    await Promise.all(clients.map((client, n) => writeAndRead(client, n + 1)));
    expect(gone()).toBe(8);
  });

  test.each([
    ['has a cache', [...memory, 'cache_size=1']],
    ['has zones', [...memory, 'zoned=1', 'zone_size=1', 'zone_nr_conv=15']],
    ['has a limit', [...memory, 'mbps=100']],
    ['has a timer', [...memory, 'irqmode=2', 'completion_nsec=1000']],
    ['keeps nothing', ['size=16']],
  ])('%s stays', async (_, words) => {
    const gone = goings();
    const { path } = await serveControlled({ threads }, ...words);
    const client = await WireClient.structured(path);
    for (let n = 1; n < 20; n++) {
      const fields = { command: n % 2 === 0 ? READ : WRITE, offset: n * BLOCK, length: BLOCK };
      const data = fields.command === WRITE ? [Buffer.alloc(BLOCK, n)] : [];
      expect((await client.request(fields, ...data)).error).toBe(0);
    }
    expect(gone()).toBe(0);
  });

  test('is changed live to one that only moves bytes goes then', async () => {
    const gone = goings();
    const served = await serveControlled({ threads }, ...memory, 'requeue=3,100,0,-1');
    const client = await WireClient.structured(served.path);
    await writeAndRead(client, 1);
    expect(gone()).toBe(0);
    await served.set('nullb0', { 'requeue_inject/probability': 0 });
    for (let n = 2; gone() === 0; n++) await writeAndRead(client, n % 100);
    await writeAndRead(client, 1);
    expect(gone()).toBe(1);
  });
});

test('a client goes to a thread for TLS, whatever its device does', async () => {
  const gone = goings();
  const tls = { mode: 'on', files: usualFiles } as const;
  const { path } = await serveWith({ threads, tls }, ...memory, 'cache_size=1');
  const client = await FormClient.haggle(await startTls(path), { form: 'extended' });
  await client.write(BLOCK, Buffer.alloc(BLOCK, 3));
  expect((await client.read(BLOCK, BLOCK)).equals(Buffer.alloc(BLOCK, 3))).toBe(true);
  expect(gone()).toBe(1);
});

test('clients that come and leave at once are let go, wherever they are', async () => {
  const served = await serveControlled({ threads }, ...memory);
  for (let n = 0; n < 40; n++) {
    const [far, client] = [
      n % 2 === 0,
      await WireClient.simple(n % 2 === 0 ? served.port : served.path),
    ];
    if (far && n % 3 === 0) client.socket.resetAndDestroy();
    else client.socket.destroy();
  }
  await until(() => served.log.filter(({ msg }) => msg === 'disconnected').length === 40);
  expect(served.log.filter(({ level }) => level >= 50)).toEqual([]);
});

describe('between two looks at its socket', () => {
  const offer = { device: 7 } as DirectOffer; // only carried

  /** A stream that notes what is called, as `who: name`. */
  function noting(who: string, calls: string[]): ByteStream {
    const note = (name: string) => (): void => void calls.push(`${who}: ${name}`);
    return {
      remoteAddress: undefined,
      unsent: 0,
      write: () => true,
      pause: note('pause'),
      resume: note('resume'),
      end: note('end'),
      destroy: note('destroy'),
      secure: () => undefined,
      offer: ({ device }) => calls.push(`${who}: offer ${device}`),
      lend: note('lend'),
      revoke: note('revoke'),
    };
  }

  function placed(gone = false): [PlacedStream, FakeScheduler, string[]] {
    const calls: string[] = [];
    const scheduler = new FakeScheduler();
    const leave = (): ByteStream | undefined => {
      calls.push('leave');
      return gone ? undefined : noting('there', calls);
    };
    const { offer: _, lend: __, ...home } = noting('here', calls);
    const stream = new PlacedStream({ stream: home, leave }, scheduler);
    stream.offer(offer);
    stream.lend();
    return [stream, scheduler, calls];
  }

  test('nothing is read, and all of it is there when the thread may read', () => {
    const [stream, scheduler, calls] = placed();
    stream.lend();
    stream.resume();
    expect(calls).toEqual(['here: pause']);
    scheduler.advance(0);
    stream.lend();
    expect(calls.slice(1)).toEqual([
      ...['leave', 'there: offer 7', 'there: resume', 'there: lend'],
      'there: lend',
    ]);
  });

  test('who is refused everything from now on stays', () => {
    const [stream, scheduler, calls] = placed();
    stream.revoke();
    scheduler.advance(0);
    stream.lend();
    expect(calls).toEqual(['here: pause', 'here: revoke', 'here: resume']);
  });

  test.each(['end', 'destroy'] as const)('who has its %s stays', (how) => {
    const [stream, scheduler, calls] = placed();
    stream[how]();
    scheduler.advance(0);
    expect(calls).toEqual(['here: pause', `here: ${how}`, 'here: resume']);
  });

  test('who has gone goes nowhere', () => {
    const [, scheduler, calls] = placed(true);
    scheduler.advance(0);
    expect(calls).toEqual(['here: pause', 'leave']);
  });
});
