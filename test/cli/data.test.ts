/** The content of devices and snapshots: from a file, to a file, and where two differ.
 *  Source: crash.md section 1. */

import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { PageStore } from '../../src/driver/storage/page-store.ts';
import { folder } from '../folder.ts';
import { program } from './program.ts';
import { shell } from './shell.ts';

const SIZE = 1024 * 1024 + 700;

/** 1 MiB and a bit that is mostly holes. */
function image(): { readonly path: string; readonly content: Buffer } {
  const path = join(folder(), 'image');
  const content = Buffer.alloc(SIZE);
  content.fill(7, 4096, 8192);
  content.fill(9, SIZE - 600);
  writeFileSync(path, content);
  return { path, content };
}

test('a device begins with the content of a file, and is saved to one with holes', async () => {
  const { tnull, tree, command } = await shell();
  const { path, content } = image();
  await tnull('create', 'a', `image=${path}`, '--power-on');
  expect(tree.view('a').values).toMatchObject({ size_bytes: SIZE, memory_backed: 1, power: 1 });
  expect(tree.stats('a').memory.heldBytes).toBe(8192);
  await tnull('snapshot', 'a', 'one');
  command('a', Command.WRITE, 0, 8, new Uint8Array(4096).fill(1));
  expect(await tnull('save', 'a', `${path}2`)).toBe('');
  expect(readFileSync(`${path}2`).subarray(0, 4096)).toEqual(Buffer.alloc(4096, 1));
  await tnull('save', 'a@one', `${path}3`);
  expect(readFileSync(`${path}3`).equals(content)).toBe(true);
  expect(statSync(`${path}3`).blocks * 512).toBeLessThan(64 * 1024);
  expect(readFileSync(path).equals(content)).toBe(true);
});

test('a device and a snapshot are saved to standard output, octet by octet', async () => {
  const it = await shell();
  const { path, content } = image();
  content.fill(0xff, 70_000, 300_000);
  writeFileSync(path, content);
  await it.tnull('create', 'a', `image=${path}`, '--power-on');
  await it.tnull('snapshot', 'a', 'one');
  it.command('a', Command.WRITE, 0, 8, new Uint8Array(4096).fill(0xc3));
  const saved = async (place: string): Promise<Buffer> => {
    const words = [program, 'save', place, '-', '--control', it.path];
    const options = { encoding: 'buffer', maxBuffer: 2 * SIZE } as const;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, options);
    expect(stderr.length).toBe(0);
    return stdout;
  };
  expect((await saved('a@one')).equals(content)).toBe(true);
  expect((await saved('a')).equals(content.fill(0xc3, 0, 4096))).toBe(true);
});

test('what is unflushed in a cache is saved and compared as clients see it', async () => {
  const { tnull, command } = await shell();
  const words = ['size=1', 'memory_backed=1', 'cache_size=1', '--power-on'];
  await tnull('create', 'a', ...words);
  command('a', Command.WRITE, 3, 1, new Uint8Array(512).fill(1));
  await tnull('snapshot', 'a', 'one');
  command('a', Command.WRITE, 3, 6, new Uint8Array(3072).fill(1));
  command('a', Command.WRITE, 1000, 2, new Uint8Array(1024).fill(2));
  expect(await tnull('diff', 'a@one', 'a')).toBe(
    ['SECTOR  SECTORS', '     4        5', '  1000        2', ''].join('\n'),
  );
  expect(await tnull('diff', 'a', 'a')).toBe('');
  const path = join(folder(), 'saved');
  await tnull('save', 'a', path);
  expect(readFileSync(path).subarray(3 * 512, 9 * 512)).toEqual(Buffer.alloc(3072, 1));
});

test('what a device and its snapshot share is not read to compare them', async () => {
  const { tnull, command } = await shell();
  const slab = 128 * 1024;
  await tnull('create', 'a', 'size=64', 'memory_backed=1', '--power-on');
  for (let at = 0; at < 64; at += 4) {
    command('a', Command.WRITE, at * 2048, slab / 512, new Uint8Array(slab).fill(1));
  }
  await tnull('snapshot', 'a', 'one');
  command('a', Command.WRITE, 8 * 2048, 1, new Uint8Array(512).fill(2));
  const reads = vi.spyOn(PageStore.prototype, 'read');
  onTestFinished(() => reads.mockRestore());
  const text = ['SECTOR  SECTORS', ' 16384        1', ''].join('\n');
  expect(await tnull('diff', 'a@one', 'a')).toBe(text);
  expect(reads.mock.calls.map(([sector]) => sector)).toEqual([16_384, 16_384]);
});

test('a shorter device ends with zeros where it is compared', async () => {
  const { tnull, command } = await shell();
  for (const [name, size] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    await tnull('create', name, `size=${size}`, 'memory_backed=1', '--power-on');
  }
  command('b', Command.WRITE, 2048, 1, new Uint8Array(512).fill(3));
  expect(JSON.parse(await tnull('diff', 'a', 'b', '--json'))).toEqual([
    { first: 2048, sectors: 1 },
  ]);
});

test('PUT gives a device other data, all or nothing', async () => {
  const { tnull, ask, command } = await shell();
  await tnull('create', 'a', 'size=1', 'memory_backed=1', '--power-on');
  command('a', Command.WRITE, 100, 1, new Uint8Array(512).fill(3));
  const put = (body: Buffer) => ask('PUT', '/v1/devices/a/data', { body });
  expect(await put(Buffer.alloc(1024 * 1024 + 1, 1))).toMatchObject({ status: 422 });
  expect(command('a', Command.READ, 100, 1).segments.buffer(0)[0]).toBe(3);
  expect(await put(Buffer.alloc(700, 5))).toMatchObject({ status: 204 });
  const now = command('a', Command.READ, 0, 101).segments.buffer(0);
  expect([now[0], now[699], now[700], now[100 * 512]]).toEqual([5, 5, 0, 0]);
  await tnull('create', 'z', 'size=1', 'memory_backed=1', 'zoned=1', 'zone_size=1');
  const zoned = await ask('PUT', '/v1/devices/z/data', { body: Buffer.alloc(1) });
  expect(zoned.text).toContain('zones are written in order');
});

test('a file that cannot be read, or is too large, is refused in one line, and nothing is made', async () => {
  const { refused, devices } = await shell();
  const { path } = image();
  expect(await refused('create', 'a', 'image=/nowhere')).toBe(
    'image=/nowhere: no such file or folder (EINVAL)',
  );
  expect(await refused('create', 'a', `image=${folder()}`)).toMatch(
    /: is not a regular file \(EINVAL\)$/,
  );
  expect(await refused('create', 'a', `image=${path}`, 'size=1')).toBe(
    `image=${path}: a: more than the 1048576 bytes that it has (EOVERFLOW)`,
  );
  expect(await refused('create', 'a', `image=${path}`, 'memory_backed=0')).toMatch(/holds no data/);
  expect(await refused('create', 'a', `image=${path}`, 'zoned=1', 'zone_size=1', 'size=4')).toMatch(
    /zones/,
  );
  if (process.getuid?.() !== 0) {
    chmodSync(path, 0);
    expect(await refused('create', 'a', `image=${path}`)).toMatch(/permission denied/);
  }
  expect(await refused('save', 'a', '-')).toBe("there is no device 'a' (ENOENT)");
  expect(Array.from(devices)).toEqual([]);
});
