/** qemu-img and qemu-io of both Debians, with one thread for the sockets and with two: every command
 *  that reaches a device, raw and through qcow2 in it. */

import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull, type Tnull } from './tnull.ts';

const MiB = 1 << 20;
const MAPPED = /^Offset\s+Length/m;

/** 256 MiB, sparse, with random data here and there. */
function sparseFile(folder: string): string {
  const path = join(folder, 'image');
  const file = openSync(path, 'w');
  ftruncateSync(file, 256 * MiB);
  for (let at = 0; at < 256; at += 7) writeSync(file, randomBytes(MiB), 0, MiB, at * MiB);
  closeSync(file);
  return path;
}

describe.each([1, 2])('--threads %i', (threads) => {
  let tnull: Tnull;
  /** A device with a volatile cache. */
  let cached: string;

  beforeAll(async () => {
    const device = ['--memory-backed', '--discard', 'size=256'];
    tnull = await startTnull(['--threads', String(threads), ...device]);
    await tnull.command('create', 'cached', 'size=64', 'cache_size=8', '--power-on');
    cached = tnull.uriOf('cached');
  });

  afterAll(async () => {
    expect(await tnull.stop()).toBe(0);
  });

  describeEachDebian(({ run }) => {
    /** @throws where a command fails, or a pattern is not what was read. */
    async function qemuIo(uri: string, commands: readonly string[], ...flags: string[]) {
      const words = commands.flatMap((one) => ['-c', one]);
      const said = await run('qemu-io', '-f', 'raw', ...flags, ...words, uri);
      expect(said).not.toMatch(/verification failed|error|failed/i);
      return said;
    }

    test.each([
      ['in order', []],
      ['out of order, 16 at once', ['-W', '-m', '16']],
      ['through its caches', ['-t', 'writeback', '-T', 'writeback']],
      ['sparse from 4 KiB on', ['-S', '4k']],
    ])('qemu-img convert %s both ways, compared', async (_, flags) => {
      const qcow = join(tnull.folder, 'image.qcow2');
      const raw = sparseFile(tnull.folder);
      await run('qemu-img', 'convert', '-n', ...flags, '-f', 'raw', '-O', 'raw', raw, tnull.uri);
      const formats = ['-f', 'raw', '-F', 'raw'];
      expect(await run('qemu-img', 'compare', ...formats, raw, tnull.uri)).toContain('identical');
      await run('qemu-img', 'convert', ...flags, '-f', 'raw', '-O', 'qcow2', tnull.uri, qcow);
      expect(await run('qemu-img', 'compare', qcow, tnull.uri)).toContain('identical');
      await qemuIo(tnull.uri, ['write -P 0x5a 200000001 1']);
      await expect(run('qemu-img', 'compare', ...formats, raw, tnull.uri)).rejects.toThrow(
        'Content mismatch at offset 200000000!',
      );
    });

    test('qemu-img convert between two devices, and dd', async () => {
      await qemuIo(cached, ['write -z 0 64M', 'write -P 0x31 1M 3M', 'write -P 0x32 63M 1M']);
      await run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', cached, tnull.uri);
      const patterns = ['read -P 0 0 1M', 'read -P 0x31 1M 3M', 'read -P 0x32 63M 1M'];
      await qemuIo(tnull.uri, patterns);
      const file = join(tnull.folder, 'dd');
      await run('qemu-img', 'dd', '-f', 'raw', '-O', 'raw', 'bs=1M', `if=${cached}`, `of=${file}`);
      await qemuIo(file, patterns);
    });

    test.each([
      ['reads', []],
      ['writes', ['-w', '--pattern=0x5a']],
      ['writes with flushes', ['-w', '--pattern=0x5a', '--flush-interval=64']],
      [
        'writes with flushes meanwhile',
        ['-w', '--pattern=0x5a', '--flush-interval=64', '--no-drain'],
      ],
      ['writes of FUA', ['-w', '--pattern=0x5a', '-t', 'writethrough']],
    ])('qemu-img bench: %s', async (title, flags) => {
      await qemuIo(cached, ['write -P 1 0 64M']);
      const load = ['-f', 'raw', '-c', '5000', '-d', '32', '-s', '4096', ...flags];
      expect(await run('qemu-img', 'bench', ...load, cached)).toContain('Run completed');
      const end = 5000 * 4096;
      await qemuIo(cached, [
        `read -P ${title === 'reads' ? 1 : 0x5a} 0 ${end}`,
        `read -P 1 ${end} 4k`,
      ]);
    });

    test('qemu-img bench in steps, longer than a write', async () => {
      await qemuIo(tnull.uri, ['discard 0 256M']);
      const load = ['-c', '500', '-d', '64', '-s', '64k', '-S', '128k', '-w', '--pattern=7'];
      await run('qemu-img', 'bench', '-f', 'raw', ...load, tnull.uri);
      const last = 499 * (128 << 10);
      const patterns = ['read -P 7 0 64k', 'read -P 0 64k 64k', `read -P 7 ${last} 64k`];
      await qemuIo(tnull.uri, patterns);
    });

    test('qemu-io: unaligned patterns, zeroes with and without unmap, discard', async () => {
      const commands = [
        'write -P 0x11 0 1M',
        'write -P 0x22 1000 3001',
        'read -P 0x11 0 1000',
        'read -P 0x22 1000 3001',
        'read -P 0x11 4001 4096',
        'write -z 2000 70000',
        'read -P 0 2000 70000',
        'read -P 0x22 1500 500',
        'read -P 0x11 72000 4096',
        'write -P 0x33 4M 1M',
        'write -z -u 4M 512k',
        'read -P 0 4M 512k',
        'read -P 0x33 4718592 4096',
        'write -z -u -n 4718592 4096',
        'read -P 0 4718592 4096',
        'write -z -f 5M 64k',
        'write -P 0x44 -f 777 1',
        'read -P 0x44 777 1',
        'discard 0 8M',
        'read -P 0 0 8M',
        'flush',
      ];
      const said = await qemuIo(tnull.uri, commands);
      expect(said.match(/^(read|wrote|discard) \d+\/\d+ bytes/gm)).toHaveLength(20);
      // Fast zeroes are offered where nothing is written for them.
      const fast = ['-f', 'raw', '-c', 'write -z -n 5M 4k'];
      await run('qemu-io', ...fast, tnull.uri);
      await expect(run('qemu-io', ...fast, cached)).rejects.toThrow('Operation not supported');
    });

    test('qemu-io: vectors, and requests that are in flight together', async () => {
      const commands = [
        'writev -P 0x61 1M 4096 8192 512 1024',
        'readv -P 0x61 1M 512 13312',
        'aio_write -P 0x71 2M 1M',
        'aio_write -P 0x72 3M 1M',
        'aio_write -z 4M 1M',
        'aio_write -z -u 5M 1M',
        'aio_write -f -P 0x73 6M 4097',
        'aio_flush',
        'aio_read -P 0x71 2M 1M',
        'aio_read -P 0x72 3M 1M',
        'aio_read -P 0 4M 2M',
        'aio_read -P 0x73 6M 4097',
        'aio_flush',
        'flush',
      ];
      for (const uri of [tnull.uri, cached]) {
        const said = await qemuIo(uri, ['write -P 9 1M 7M', ...commands]);
        expect(said.match(/^(read|wrote) \d+\/\d+ bytes/gm)).toHaveLength(12);
      }
    });

    test.each(['none', 'directsync', 'writeback', 'writethrough', 'unsafe'])(
      'qemu-io: cache mode %s',
      async (mode) => {
        const commands = ['write -P 0x21 777 70001', 'flush', 'read -P 0x21 777 70001'];
        for (const uri of [tnull.uri, cached]) await qemuIo(uri, commands, '-t', mode);
      },
    );

    test('qemu-io: read-only, length, and past the end', async () => {
      expect((await qemuIo(cached, ['length'])).trim()).toBe('64 MiB');
      expect(await qemuIo(cached, ['read 0 512'], '-r')).toContain('read 512/512');
      await expect(
        run('qemu-io', '-r', '-f', 'raw', '-c', 'write 0 512', cached),
      ).rejects.toThrow();
      await expect(run('qemu-io', '-f', 'raw', '-c', 'read 64M 1', cached)).rejects.toThrow();
      await expect(run('qemu-io', '-f', 'raw', '-c', 'write 64M 1', cached)).rejects.toThrow();
    });

    test('qemu-img map and info tell data, zeros and the size', async () => {
      await qemuIo(tnull.uri, ['discard 0 256M', 'write -P 5 8M 1M', 'write -P 6 64M 64k']);
      const json = await run('qemu-img', 'map', '-f', 'raw', '--output=json', tnull.uri);
      const data = JSON.parse(json).filter((one: { data: boolean }) => one.data);
      expect(data).toMatchObject([
        { start: 8 * MiB, length: MiB, zero: false },
        { start: 64 * MiB, length: 64 << 10, zero: false },
      ]);
      expect(await run('qemu-img', 'map', '-f', 'raw', tnull.uri)).toMatch(MAPPED);
      const info = JSON.parse(
        await run('qemu-img', 'info', '--output=json', '-f', 'raw', tnull.uri),
      );
      expect(info['virtual-size']).toBe(256 * MiB);
    });

    test('qcow2 in a device: create, write, check, snapshot, resize, overlay, commit', async () => {
      const qcow = (...commands: string[]) =>
        run('qemu-io', '-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), tnull.uri);
      await qemuIo(tnull.uri, ['discard 0 256M']);
      await run('qemu-img', 'create', '-f', 'qcow2', tnull.uri, '128M');
      await qcow('write -P 0x81 0 20M', 'write -P 0x82 100M 5M', 'flush');
      await run('qemu-img', 'snapshot', '-c', 'before', tnull.uri);
      await qcow('write -P 0x83 10M 1M', 'discard 0 1M', 'write -z -u 100M 1M', 'flush');
      expect(await run('qemu-img', 'check', '-f', 'qcow2', tnull.uri)).toContain('No errors');
      await run('qemu-img', 'resize', '-f', 'qcow2', tnull.uri, '192M');
      await qcow(
        'read -P 0x83 10M 1M',
        'read -P 0 0 1M',
        'read -P 0x82 101M 4M',
        'read -P 0 191M 1M',
      );
      const overlay = join(tnull.folder, 'overlay.qcow2');
      await run('qemu-img', 'create', '-f', 'qcow2', '-b', tnull.uri, '-F', 'qcow2', overlay);
      await run('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x84 50M 8M', overlay);
      await run('qemu-img', 'commit', '-f', 'qcow2', overlay);
      await qcow('read -P 0x84 50M 8M', 'read -P 0x83 10M 1M');
      await run('qemu-img', 'snapshot', '-a', 'before', tnull.uri);
      await qcow('read -P 0x81 0 20M', 'read -P 0x82 100M 5M', 'read -P 0 50M 8M');
      expect(await run('qemu-img', 'check', '-f', 'qcow2', tnull.uri)).toContain('No errors');
    });
  });
});
