/** What is in a device's request log after what clients did, by raw bytes. test-api.md section 4. */

import { CommandFlag, Command as NbdCommand } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import type { Device, RequestLogEntry } from '../../src/client/index.ts';
import { type Connected, serveConnected } from '../client/served.ts';
import { until } from '../until.ts';
import { requestBytes, WireClient } from './wire-client.ts';

interface LoggedWorld extends Connected {
  readonly disk: Device;
  client(): Promise<WireClient>;
}

async function logged(attributes: object = {}): Promise<LoggedWorld> {
  const served = await serveConnected('nr_devices=0');
  const disk = await served.control.create('disk', {
    ...{ size: 1, memory_backed: true, discard: true, log: 1000 },
    ...attributes,
  });
  return { ...served, disk, client: () => WireClient.simple(served.path, 'disk') };
}

/** Without times. */
function what({ op, offset, bytes, flags, status }: RequestLogEntry): string {
  return [op, offset, bytes, ...flags, status].join(' ');
}

async function all(disk: Device): Promise<string[]> {
  return (await disk.log()).map(what);
}

const { READ, WRITE, FLUSH, TRIM, WRITE_ZEROES, CACHE, BLOCK_STATUS } = NbdCommand;

test('every command of a client is there, with its range, flags, status and times', async () => {
  const { disk, client } = await logged();
  const one = await client();
  const page = Buffer.alloc(4096, 1);
  const write = { command: WRITE, offset: 4096, length: 4096 };
  await one.request({ ...write, flags: CommandFlag.FUA }, page);
  await one.request({ command: WRITE, offset: 100, length: 20 }, page.subarray(0, 20));
  await one.readData(511, 2);
  await one.request({ command: TRIM, offset: 8192, length: 4096 });
  const zeroes = { command: WRITE_ZEROES, offset: 0, length: 1 << 20 };
  await one.request({ ...zeroes, flags: CommandFlag.NO_HOLE | CommandFlag.FAST_ZERO });
  await one.request({ command: CACHE, offset: 0, length: 512 });
  await one.request({ command: FLUSH, offset: 0, length: 0 });
  const entries = await disk.log();
  expect(entries.map(what)).toEqual([
    'write 4096 4096 fua ok',
    'write 100 20 ok',
    'read 511 2 ok',
    'discard 8192 4096 ok',
    'write_zeroes 0 1048576 no_hole fast_zero ok',
    'cache 0 512 ok',
    'flush 0 0 ok',
  ]);
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(entries.map(({ sector, sectors }) => [sector, sectors])).toEqual([
    ...[
      [8, 8],
      [0, 1],
      [0, 2],
      [16, 8],
      [0, 2048],
      [0, 1],
      [0, 0],
    ],
  ]);
  let before = 0;
  for (const { arrived, answered, ns, client: number } of entries) {
    expect(arrived).toBeGreaterThanOrEqual(before);
    expect(answered).toBe(arrived + Number(ns));
    expect(ns).toBeGreaterThanOrEqual(0);
    expect(number).toBe(1);
    before = Number(answered);
  }
  expect(entries.dropped).toBe(0);
});

test('what is refused is there with the error, also what the device does not know', async () => {
  const { disk, client } = await logged();
  const one = await client();
  expect((await one.request({ command: READ, offset: 1 << 20, length: 512 })).error).toBe(22);
  expect((await one.request({ command: 99, offset: 0, length: 0 })).error).toBe(22);
  expect((await one.request({ command: READ, flags: 64, offset: 0, length: 512 })).error).toBe(22);
  const beyond = { command: WRITE, offset: 1 << 20, length: 512 };
  expect((await one.request(beyond, Buffer.alloc(512))).error).toBe(28);
  expect(await all(disk)).toEqual([
    'read 1048576 512 EINVAL',
    'unknown 0 0 EINVAL',
    'read 0 512 0x40 EINVAL',
    'write 1048576 512 ENOSPC',
  ]);
});

test('what a rule does to a command is seen by its status, and a hang by having none', async () => {
  const { disk, client } = await logged();
  const one = await client();
  await disk.faults.add({ op: 'read', error: 'EIO' });
  expect((await one.request({ command: READ, offset: 0, length: 512 })).error).toBe(5);
  const rule = await disk.faults.add({ op: 'flush', hang: 'on' });
  one.socket.write(requestBytes({ command: FLUSH, offset: 0, length: 0, cookie: 7n }));
  await until(async () => (await disk.log({ op: 'flush' })).length === 1);
  expect(await disk.log({ op: 'flush' })).toMatchObject([
    { answered: null, ns: null, status: null },
  ]);
  await disk.faults.release(rule.id);
  expect((await one.reply()).error).toBe(0);
  expect(await all(disk)).toEqual(['read 0 512 EIO', 'flush 0 0 ok']);
});

test('without memory, rules or a cache, a flush is seen all the same', async () => {
  const { disk, client } = await logged({ memory_backed: false, discard: false });
  const one = await client();
  expect((await one.request({ command: FLUSH, offset: 0, length: 0 })).error).toBe(0);
  expect(await all(disk)).toEqual(['flush 0 0 ok']);
});

test('two clients have their numbers, and what the control side sends has 0', async () => {
  const zoned = { memory_backed: true, discard: false, zoned: true, size: 4, zone_size: 1 };
  const { disk, client } = await logged(zoned);
  const [one, two] = [await client(), await client()];
  await one.readData(0, 512);
  await two.readData(512, 512);
  await disk.zone('open', 2048);
  await disk.resetZones();
  expect((await disk.log()).map(({ op, client: number }) => [op, number])).toEqual([
    ['read', 1],
    ['read', 2],
    ['zone_open', 0],
    ['zone_reset_all', 0],
  ]);
  expect(await disk.log({ client: 2 })).toMatchObject([{ sector: 1 }]);
});

test('a block status is there with the range that was asked for', async () => {
  const { disk, path } = await logged();
  const client = await WireClient.structured(path);
  // Without a context it is refused.
  client.socket.write(requestBytes({ command: BLOCK_STATUS, offset: 4096, length: 8192 }));
  await until(async () => (await disk.log()).length === 1);
  expect(await all(disk)).toEqual(['block_status 4096 8192 EINVAL']);
});

test('it goes on while clients are there: off, on again, longer and shorter', async () => {
  const { disk, client } = await logged({ log: 0 });
  const one = await client();
  const read = (at: number): Promise<unknown> => one.readData(at * 512, 512);
  await read(1);
  await expect(disk.log()).rejects.toThrow('disk: the request log is off');
  await disk.set({ log: 3 });
  for (let at = 0; at < 5; at++) await read(at);
  const short = await disk.log();
  expect(short.map(({ sector }) => sector)).toEqual([2, 3, 4]);
  expect(short.dropped).toBe(2);
  await disk.set({ log: 5000 });
  for (let at = 5; at < 7; at++) await read(at);
  expect((await disk.log()).map(({ sector }) => sector)).toEqual([2, 3, 4, 5, 6]);
  await disk.set({ log: 1 });
  expect((await disk.log()).map(({ sector }) => sector)).toEqual([6]);
  await disk.set({ log: 0 });
  await read(7);
  await disk.set({ log: 10 });
  await read(8);
  const again = await disk.log();
  expect(again.map(({ sector }) => sector)).toEqual([8]);
  expect(again.dropped).toBe(0);
});

test('it stays when power goes off and on, and over a rollback; a reset empties it', async () => {
  const { disk, client, control } = await logged();
  const one = await client();
  await disk.snapshot('clean');
  await one.request({ command: WRITE, offset: 0, length: 512 }, Buffer.alloc(512));
  await disk.rollback('clean');
  expect(await all(disk)).toEqual(['write 0 512 ok']);
  one.socket.destroy();
  await disk.power(false);
  expect(await all(disk)).toEqual(['write 0 512 ok']);
  await disk.power(true);
  const two = await client();
  await two.readData(0, 512);
  const entries = await disk.log();
  expect(entries.map(what)).toEqual(['write 0 512 ok', 'read 0 512 ok']);
  expect(entries.map(({ seq, client: number }) => [seq, number])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  await disk.power(false, { force: true });
  await disk.set({ log: 0 });
  await expect(disk.log()).rejects.toThrow('the request log is off');
  await control.reset();
  const fresh = await control.create('disk', { size: 1, log: 10 });
  expect(await fresh.log()).toEqual([]);
});

test('a command that a cut or the end of its client leaves without reply has none', async () => {
  const { disk, client, port, log } = await logged();
  const one = await WireClient.simple(port, 'disk');
  await disk.faults.add({ op: 'write', hang: 'on' });
  const write = requestBytes({ command: WRITE, offset: 0, length: 512, cookie: 1n });
  one.socket.write(Buffer.concat([write, Buffer.alloc(512)]));
  await until(async () => (await disk.log()).length === 1);
  one.socket.resetAndDestroy();
  await until(() => log.some(({ msg }) => msg === 'disconnected'));
  await disk.faults.release();
  const two = await client();
  two.socket.on('error', () => {});
  two.socket.write(Buffer.concat([write, Buffer.alloc(512)]));
  await until(async () => (await disk.log()).length === 2);
  await disk.cut({ keep: 'none' });
  const left = await disk.log();
  expect(left.map(what)).toEqual(['write 0 512 ', 'write 0 512 ']);
  expect(left.map(({ answered, client: number }) => [answered, number])).toEqual([
    [null, 1],
    [null, 2],
  ]);
});

test('who follows sees each command when it ends, through power off and on, until the device goes', async () => {
  const { disk, client } = await logged();
  const one = await client();
  await one.readData(0, 512);
  const seen: string[] = [];
  const following = (async () => {
    for await (const entry of disk.log({ follow: true, op: 'read,flush' })) seen.push(what(entry));
  })();
  await until(() => seen.length === 1);
  await one.request({ command: WRITE, offset: 0, length: 512 }, Buffer.alloc(512));
  await one.request({ command: FLUSH, offset: 0, length: 0 });
  await until(() => seen.length === 2);
  one.socket.destroy();
  await disk.power(false);
  await disk.power(true);
  const two = await client();
  await two.readData(512, 512);
  await until(() => seen.length === 3);
  await disk.remove({ force: true });
  await following;
  expect(seen).toEqual(['read 0 512 ok', 'flush 0 0 ok', 'read 512 512 ok']);
});

test('its memory is counted, and one that is too long is refused and changes nothing', async () => {
  const { disk, control, client } = await logged({ log: 2 });
  const one = await client();
  await one.readData(0, 512);
  const used = async (): Promise<number> => (await control.api.call('root', {})).memory.usedBytes;
  const before = await used();
  await disk.set({ log: 1_048_576 });
  expect((await used()) - before).toBeGreaterThan(64 << 20);
  await disk.set({ log: 2 });
  expect(await used()).toBe(before);
  expect(await all(disk)).toEqual(['read 0 512 ok']);
  const most = 'disk: log=1048577: must be at most 1048576 (commands)';
  await expect(disk.set({ log: 1_048_577 })).rejects.toThrow(most);
  expect(await all(disk)).toEqual(['read 0 512 ok']);
});
