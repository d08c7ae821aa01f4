/** What a test does to a device by the client. Source: test-api.md section 1. */

import { Command, parseNbdUri } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { ControlError, connect, type Device, UnreachableError } from '../../src/client/index.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import { serveConnected } from './served.ts';

const BLOCK = 4096;
const EIO = 5;

async function bytes(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(parts));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function disk(...words: string[]): Promise<{ disk: Device; client: WireClient }> {
  const { control, path } = await serveConnected('nr_devices=0', ...words);
  const made = await control.create('disk', { size: 1, memory_backed: true });
  return { disk: made, client: await WireClient.simple(path, 'disk') };
}

/** @returns the error of the reply. */
async function write(client: WireClient, offset: number, fill: number): Promise<number> {
  const payload = Buffer.alloc(BLOCK, fill);
  const fields = { command: Command.WRITE, offset, length: BLOCK };
  return (await client.request(fields, payload)).error;
}

test('a device is made, powered, changed and removed', async () => {
  const { control } = await serveConnected('nr_devices=0');
  const made = await control.create('disk', { size_bytes: 1_000_001n, memory_backed: 1 });
  expect(await made.attributes()).toMatchObject({ name: 'disk', power: 1, size_bytes: 1_000_001 });
  await made.set({ badblocks: '+8-15' });
  expect((await made.attributes()).badblocks).toBe('8 8\n');
  await made.power(false);
  expect((await made.set({ size_bytes: '2M', zoned: true, zone_size: 1 })).zoned).toBe(1);
  await made.power(true);
  expect(await made.zones()).toHaveLength(2);
  expect(await made.zones({ from: 2048, count: 1 })).toMatchObject([{ start: 2048 }]);
  expect((await control.devices()).map(({ name }) => name)).toEqual(['disk']);
  await made.remove({ force: true });
  expect(await control.devices()).toEqual([]);
});

test('one that is not to be powered is not', async () => {
  const { control } = await serveConnected('nr_devices=0');
  const made = await control.create('disk', { power: false });
  expect((await made.attributes()).power).toBe(0);
});

test('zones are opened, written, finished and reset', async () => {
  const { control } = await serveConnected('nr_devices=0');
  const zoned = { size: 4, zone_size: 1, zoned: true, memory_backed: true };
  const made = await control.create('zoned', zoned);
  expect(await made.append(2048, Buffer.alloc(512, 7))).toBe(2048);
  await made.zone('open', 0);
  await made.zone('finish', 4096, 4096);
  const conditions = async (): Promise<string[]> =>
    (await made.zones()).map(({ condition }) => condition);
  expect(await conditions()).toEqual(['explicit-open', 'implicit-open', 'full', 'full']);
  await made.resetZones();
  expect(new Set(await conditions())).toEqual(new Set(['empty']));
});

test('snapshots are taken, compared, returned to and removed', async () => {
  const { disk: made, client } = await disk();
  expect(await write(client, 0, 1)).toBe(0);
  await made.snapshot('clean');
  expect(await write(client, BLOCK, 2)).toBe(0);
  expect(await made.diff('disk@clean')).toEqual([{ first: 8, sectors: 8 }]);
  expect((await bytes(made.data()))[BLOCK]).toBe(2);
  expect((await bytes(made.data('clean')))[BLOCK]).toBe(0);
  await made.rollback('clean');
  expect((await bytes(made.data()))[BLOCK]).toBe(0);
  expect((await made.snapshots()).map(({ name }) => name)).toEqual(['clean']);
  await made.destroySnapshot('clean');
  expect(await made.snapshots()).toEqual([]);
});

test('data goes in and out, whole or in parts', async () => {
  const { disk: made } = await disk();
  await made.setData(Buffer.from('abc'));
  expect((await bytes(made.data())).subarray(0, 4)).toEqual(Buffer.from('abc\0'));
  const parts = [Buffer.alloc(600_000, 1), Buffer.alloc(400_000, 2)];
  await made.setData(
    (async function* () {
      yield* parts;
    })(),
  );
  const whole = await bytes(made.data());
  expect(whole).toHaveLength(1 << 20);
  expect(whole.subarray(0, 1_000_000)).toEqual(Buffer.concat(parts));
});

test('parts that are too many are refused, and those that fail tell why', async () => {
  const { disk: made } = await disk();
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(1 << 20);
  })();
  await expect(made.setData(endless)).rejects.toThrow();
  const failing = (async function* () {
    yield Buffer.alloc(1);
    throw new Error('no more');
  })();
  await expect(made.setData(failing)).rejects.toThrow('no more');
});

test('a rule strikes, is counted and logged, and goes', async () => {
  const { disk: made, client } = await disk();
  const { id } = await made.faults.add({ op: 'write', nth: 2, error: 'EIO' });
  expect([await write(client, 0, 1), await write(client, 0, 1)]).toEqual([0, EIO]);
  expect(await made.faults.list()).toMatchObject({ rules: [{ id, matched: 2, struck: 1 }] });
  const log = await all(made.faults.log());
  expect(log).toMatchObject([{ seq: 1, rule: id, op: 'write', detail: { errno: 'EIO' } }]);
  expect(await all(made.faults.log({ after: 1 }))).toEqual([]);
  await made.faults.remove(id);
  expect(await made.faults.list()).toMatchObject({ rules: [] });
});

test('the log is followed until somebody stops', async () => {
  const { disk: made, client } = await disk();
  await made.faults.add({ op: 'write', error: 'EIO' });
  const stop = new AbortController();
  const seen: number[] = [];
  await write(client, 0, 1);
  for await (const { seq } of made.faults.log({ follow: true, signal: stop.signal })) {
    seen.push(seq);
    if (seq === 3) stop.abort();
    else await write(client, 0, 1);
  }
  expect(seen).toEqual([1, 2, 3]);
  for await (const { seq } of made.faults.log({ follow: true })) if (seq === 3) break;
});

test('a plan is loaded, shown, paused, reset, replayed and cleared', async () => {
  const { disk: made, client } = await disk();
  const plan = {
    seed: '7',
    rules: [{ id: 'odd', op: 'write', interval: 2, error: 'EIO' }],
  } as const;
  await made.faults.load(plan);
  await made.faults.add({ id: 'first', op: 'read', error: 'ENOSPC' }, { before: 'odd' });
  const { seed, rules } = await made.faults.plan();
  expect([seed, rules.map(({ id }) => id)]).toEqual(['7', ['first', 'odd']]);
  await made.faults.pause();
  expect(await write(client, 0, 1)).toBe(0);
  await made.faults.resume();
  const struck = [await write(client, 0, 1), await write(client, 0, 1)];
  const log = await all(made.faults.log());
  await made.faults.reset();
  expect(await made.faults.replay(log)).toBe(1);
  expect([await write(client, 0, 1), await write(client, 0, 1)]).toEqual(struck);
  await made.faults.clear();
  expect((await made.faults.list()).rules).toEqual([]);
});

test('what hangs is shown and let go', async () => {
  const { disk: made, client } = await disk();
  await made.faults.add({ id: 'held', op: 'write', hang: 'on' });
  const length = BLOCK;
  client.send(requestBytes({ command: Command.WRITE, length }), Buffer.alloc(length));
  while ((await made.faults.list()).rules[0]?.held !== 1) await new Promise(setImmediate);
  expect(await made.faults.release('held')).toBe(1);
  expect((await client.reply()).error).toBe(0);
});

test('counters tell what was done', async () => {
  const { disk: made, client } = await disk();
  await write(client, 0, 1);
  expect((await made.stats()).operations).toMatchObject({ write: { requests: 1 } });
  expect((await made.latencies())['write']).toHaveLength(1);
  expect(await made.requests()).toEqual([]);
  expect(await made.clients()).toMatchObject([{ client: 1, from: 'unix', tls: false }]);
  await made.flush();
});

test('power is cut', async () => {
  const { disk: made, client } = await disk();
  expect(await made.cut({ keep: 'all', down: 'stay', seed: 3 })).toMatchObject({ power: 0 });
  await client.end();
  expect((await made.attributes()).power).toBe(0);
});

test('a journal is kept and marked', async () => {
  const { control } = await serveConnected('nr_devices=0');
  const made = await control.create('disk', { size: 1, memory_backed: 1, journal: 1 });
  await made.mark('committed 1');
  expect((await bytes(made.journal())).includes('committed 1')).toBe(true);
});

test('all is made anew: data, faults, snapshots and counters', async () => {
  const { control, path } = await serveConnected('nr_devices=1', 'size=1', 'memory_backed=1');
  await control.create('second', { size: 1 });
  const first = control.device('nullb0');
  await first.snapshot('clean');
  await first.faults.add({ op: 'read', error: 'EIO' });
  const client = await WireClient.simple(path, 'nullb0');
  expect(await write(client, 0, 1)).toBe(0);
  await control.reset();
  expect((await control.devices()).map(({ name }) => name)).toEqual(['nullb0']);
  expect(await first.snapshots()).toEqual([]);
  expect((await first.faults.list()).rules).toEqual([]);
  expect((await first.stats()).operations).toMatchObject({ write: { requests: 0 } });
  expect((await bytes(first.data())).equals(Buffer.alloc(1 << 20))).toBe(true);
  expect(await control.metrics()).toContain('tnull_');
});

test.each(['disk', 'a b', 'ä ö?&#%', '100%'])('the URI of %s leads to it', async (name) => {
  const { control, port, path } = await serveConnected('nr_devices=0');
  const made = await control.create(name, { size: 1 });
  const parsed = made.uris.map((uri) => parseNbdUri(uri));
  expect(parsed.map(({ exportName }) => exportName)).toEqual([name, name]);
  expect(made.uri).toBe(made.uris[0]);
  expect(made.env).toEqual({
    ...{ uri: made.uri, unixsocket: path, port: String(port) },
    ...{ control: control.control, TNULL_CONTROL: control.control },
  });
});

test('a refusal names errno and attribute', async () => {
  const { disk: made } = await disk();
  const refused = await made.set({ size: -1 }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ControlError);
  expect(refused).toMatchObject({ errno: 'EINVAL', attribute: 'size', status: 400 });
  await expect(made.snapshot('')).rejects.toThrow("snapshot='': must be a text");
  await expect(made.rollback('none')).rejects.toMatchObject({ errno: 'ENOENT' });
});

test('where nobody answers, the error says where', async () => {
  const { control, daemon } = await serveConnected('nr_devices=0');
  await daemon.stop();
  const socket = control.control;
  const none = await connect({ socket }).catch((error: unknown) => error);
  expect(none).toBeInstanceOf(UnreachableError);
  expect(none).toMatchObject({ path: socket, code: 'ENOENT' });
});

test('a call ends when it is aborted', async () => {
  const { control } = await serveConnected('nr_devices=0');
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(control.api.call('root', {}, signal)).rejects.toBe(reason);
  await expect(connect({ socket: control.control, signal })).rejects.toBe(reason);
});
