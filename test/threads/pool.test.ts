/** Streams of real threads: what a connection may rely on, whatever its client does. */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ByteSink, ByteStream } from '../../src/server/byte-stream.ts';
import { FaultCounts } from '../../src/server/fault-counts.ts';
import { Traffic } from '../../src/server/traffic.ts';
import { type PoolOptions, ThreadPool } from '../../src/threads/pool.ts';
import { RECEIVE_BYTES, SEND_BYTES } from '../../src/threads/slot.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';

const MIB = 2 ** 20;

/** Gathers what comes; does with it what the test says. */
class Sink implements ByteSink {
  readonly memory = new Uint8Array(10_000);
  readonly got: Uint8Array[] = [];
  stream: ByteStream | undefined;
  bytes = 0;
  writtens = 0;
  ends = 0;
  reasons: (string | undefined)[] = [];
  /** @returns whether to go on. */
  onReceived: (data: Uint8Array) => boolean = () => true;
  onEnded: () => void = () => this.stream?.end();
  onWritten: () => void = () => {};
  target(): Uint8Array {
    return this.memory;
  }
  received(length: number): boolean {
    this.bytes += length;
    const data = this.memory.slice(0, length);
    this.got.push(data);
    return this.onReceived(data);
  }
  ended(): void {
    this.ends++;
    this.onEnded();
  }
  written(): void {
    this.writtens++;
    this.onWritten();
  }
  closed(reason: string | undefined): void {
    this.reasons.push(reason);
  }
}

interface Connected {
  readonly client: net.Socket;
  readonly sink: Sink;
  /** Nothing more comes from the server. */
  readonly ended: Promise<unknown>;
}

interface World {
  readonly pool: ThreadPool;
  /** Those of the clients so far, in the order of their coming. */
  readonly sinks: readonly Sink[];
  /** What the pool said of threads that died. */
  readonly errors: object[];
  dial(): net.Socket;
  /** The same, once its sink is there. Not at the same time as others. */
  connect(): Promise<Connected>;
}

async function world(kind: 'unix' | 'tcp', options: Partial<PoolOptions> = {}): Promise<World> {
  const errors: object[] = [];
  const log = { error: (facts: object) => errors.push(facts) };
  const pool = await ThreadPool.start({
    threads: 2,
    busyPollNs: 0,
    crowded: false,
    tls: undefined,
    faults: FaultCounts.memoryFor(2),
    traffic: Traffic.memoryFor(2),
    log,
    ...options,
  });
  // As pacing does it: looks when it is woken, sleeps when there is nothing.
  const look = (): void => {
    do pool.drain();
    while (!pool.mayRest());
  };
  pool.onWake = look;
  const sinks: Sink[] = [];
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const sink = new Sink();
    sinks.push(sink);
    sink.stream = pool.open(socket, sink);
    sink.stream.resume();
    look();
  });
  server.listen(kind === 'unix' ? { path: join(folder(), 's') } : { port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await pool.end();
  });
  const address = server.address();
  const where =
    typeof address === 'string'
      ? { path: address }
      : { port: address?.port ?? 0, host: '127.0.0.1' };
  const dial = (): net.Socket => {
    const client = net.connect({ ...where, allowHalfOpen: true });
    return client.on('error', () => {});
  };
  return {
    ...{ pool, sinks, errors, dial },
    async connect() {
      const number = sinks.length;
      const client = dial();
      const ended = once(client, 'end');
      await until(() => sinks.length > number);
      return { client, sink: sinks[number] ?? new Sink(), ended };
    },
  };
}

const pattern = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, n) => (n * 167 + (n >> 8)) & 0xff));

test.each(['unix', 'tcp'] as const)('megabytes go both ways, in order (%s)', async (kind) => {
  const { connect } = await world(kind);
  const { client, sink } = await connect();
  const sent = pattern(3 * MIB + 7);
  const back: Buffer[] = [];
  sink.onEnded = () => {};
  client.on('data', (data) => back.push(data));
  client.end(sent);
  await until(() => sink.ends === 1);
  expect(Buffer.concat(sink.got).equals(sent)).toBe(true);
  // More than the ring holds, in parts of all sizes.
  const parts = [0, 1, 10, 100_000, SEND_BYTES, sent.length].map((at, n, ends) =>
    sent.subarray(at, ends[n + 1]),
  );
  const all = sink.stream?.write(parts.slice(0, -1));
  if (all === false) await until(() => sink.writtens === 1);
  sink.stream?.end();
  await once(client, 'close');
  expect(Buffer.concat(back).equals(sent)).toBe(true);
  await until(() => sink.reasons.length === 1);
  expect(sink.reasons).toEqual([undefined]);
});

test('what fits is taken at once, and `written` is said only of what does not', async () => {
  const { connect } = await world('unix');
  const { client, sink } = await connect();
  let got = 0;
  client.pause();
  expect(sink.stream?.write([new Uint8Array(SEND_BYTES)])).toBe(true);
  expect(sink.stream?.write([new Uint8Array(MIB)])).toBe(false);
  expect(sink.stream?.unsent).toBeGreaterThan(MIB);
  expect(sink.writtens).toBe(0);
  client.on('data', (data) => {
    got += data.length;
  });
  client.resume();
  await until(() => sink.writtens === 1 && got === SEND_BYTES + MIB);
  await until(() => sink.stream?.unsent === 0);
  expect(sink.writtens).toBe(1);
});

test('a sink that holds gets nothing more, and its client is stopped; it resumes where it was', async () => {
  const { connect } = await world('unix');
  const { client, sink } = await connect();
  sink.onReceived = () => false;
  const sent = pattern(4 * MIB);
  client.end(sent);
  await until(() => sink.bytes > 0);
  // Two who are served meanwhile, so that there was time enough.
  for (let n = 0; n < 2; n++) {
    const other = await connect();
    other.client.write('hello');
    await until(() => other.sink.bytes === 5);
  }
  expect(sink.bytes).toBeLessThanOrEqual(sink.memory.length);
  // The ring, and the kernel's buffers.
  expect(client.writableLength).toBeGreaterThan(MIB);
  for (let before = -1; sink.ends === 0; ) {
    expect(sink.bytes).toBeGreaterThan(before);
    before = sink.bytes;
    sink.stream?.resume();
    // Something must look: in the program the turn of whoever resumes does.
    const other = await connect();
    other.client.destroy();
    await until(() => sink.bytes > before || sink.ends === 1);
    if (sink.bytes > RECEIVE_BYTES) sink.onReceived = () => true;
  }
  expect(Buffer.concat(sink.got).equals(sent)).toBe(true);
});

test('a client that writes and never reads, one that resets, one that stops: nobody else notices', async () => {
  const { connect, sinks } = await world('tcp');
  const deaf = await connect();
  deaf.client.pause();
  deaf.sink.onReceived = (data) => deaf.sink.stream?.write([data]) ?? false;
  deaf.sink.onWritten = () => deaf.sink.stream?.resume();
  deaf.client.write(Buffer.alloc(8 * MIB));
  for (let n = 0; n < 20; n++) {
    const rude = await connect();
    rude.client.write(Buffer.alloc(100_000));
    await until(() => rude.sink.bytes > 0);
    rude.client.resetAndDestroy();
  }
  const { client, sink } = await connect();
  sink.onReceived = (data) => sink.stream?.write([data]) ?? false;
  for (let n = 0; n < 100; n++) {
    client.write('ping');
    expect(String((await once(client, 'data'))[0])).toBe('ping');
  }
  await until(() => sinks.slice(1, -1).every(({ reasons }) => reasons.length === 1));
  expect(sinks[1]?.reasons[0]).toMatch(/ECONNRESET|EPIPE/);
  deaf.client.destroy();
  await until(() => deaf.sink.reasons.length === 1);
});

test('destroy ends it as it stands, and only that one', async () => {
  const { connect } = await world('unix');
  const [one, two] = [await connect(), await connect()];
  one.client.pause();
  one.sink.stream?.write([new Uint8Array(4 * MIB)]);
  one.sink.stream?.destroy();
  expect(one.sink.stream?.write([new Uint8Array(1)])).toBe(false);
  await until(() => one.sink.reasons.length === 1);
  one.client.resume();
  await one.ended;
  expect(one.sink.writtens).toBe(0);
  two.client.write('still here');
  await until(() => two.sink.bytes === 10);
});

test('who is destroyed before its socket came to its thread is ended there', async () => {
  const { pool } = await world('unix');
  const path = join(folder(), 's');
  const sink = new Sink();
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    pool.open(socket, sink).destroy();
  });
  server.listen(path);
  await once(server, 'listening');
  const client = net.connect(path);
  await once(client.resume(), 'close');
  await until(() => sink.reasons.length === 1);
  server.close();
});

test('each goes to the thread with the fewest: 16 are 8 and 8, also when some have gone', async () => {
  const { pool, connect } = await world('unix', { threads: 2 });
  const clients: net.Socket[] = [];
  for (let n = 0; n < 16; n++) clients.push((await connect()).client);
  expect(pool.clients).toEqual([8, 8]);
  for (const client of clients.filter((_, n) => n % 2 === 0)) client.destroy();
  await until(() => Math.max(...pool.clients) === 8 && Math.min(...pool.clients) === 8 - 8);
  for (let n = 0; n < 8; n++) await connect();
  expect(pool.clients).toEqual([8, 8]);
});

test('a thousand at once are all served, and their memory serves the next', async () => {
  const { pool, dial, sinks } = await world('unix', { threads: 3 });
  for (let round = 1; round <= 3; round++) {
    const clients = Array.from({ length: 333 }, async () => {
      const client = dial();
      client.end('hello');
      await once(client.resume(), 'end');
    });
    await Promise.all(clients);
    await until(() => sinks.every(({ reasons }) => reasons.length === 1));
    expect(sinks.map(({ bytes }) => bytes)).toEqual(Array.from({ length: 333 * round }, () => 5));
    expect(pool.clients).toEqual([0, 0, 0]);
  }
});

/** An entry that does what the real one does, until its file is there. */
function mortal(folder: string): { entry: URL; kill(): void } {
  const real = new URL('../../dist/threads/worker.js', import.meta.url);
  const [entry, mark] = [join(folder, 'mortal.mjs'), join(folder, 'die')];
  writeFileSync(
    entry,
    `import { existsSync, renameSync } from 'node:fs';
     import '${real}';
     setInterval(() => {
       if (!existsSync('${mark}')) return;
       try {
         renameSync('${mark}', '${mark}-done');
       } catch {
         return; // the other was first
       }
       throw new Error('told to die');
     }, 1);`,
  );
  return { entry: new URL(`file://${entry}`), kill: () => writeFileSync(mark, '') };
}

test('a thread that dies takes its clients along; the others go on, until there is none', async () => {
  const { entry, kill } = mortal(folder());
  const { pool, connect, errors, sinks } = await world('unix', { entry });
  const clients = [await connect(), await connect()];
  expect(pool.clients).toEqual([1, 1]);
  kill();
  await until(() => errors.length === 1);
  expect(JSON.stringify(errors[0])).toContain('told to die');
  expect(sinks.filter(({ reasons }) => reasons.length === 1)).toHaveLength(1);
  expect(pool.clients).toEqual([1]);
  const alive = clients.find(({ sink }) => sink.reasons.length === 0);
  const dead = clients.find((one) => one !== alive);
  dead?.client.resume();
  await dead?.ended;
  alive?.client.write('alive');
  await until(() => alive?.sink.bytes === 5);
  const { client, sink } = await connect();
  client.write('new');
  await until(() => sink.bytes === 3);
  kill();
  await pool.failed;
  expect(errors).toHaveLength(2);
  expect(sinks.every(({ reasons }) => reasons.length === 1)).toBe(true);
});

test('a thread that cannot begin is told of, and none is left', async () => {
  const entry = join(folder(), 'no.mjs');
  writeFileSync(entry, 'throw new Error("cannot begin")');
  const options = { entry: new URL(`file://${entry}`) };
  await expect(world('unix', options)).rejects.toThrow('cannot begin');
});
